//! Which slots are resident and what their entries weigh.

use crate::{SlotArray, State};

/// 4.1 bytes a slot. That a slot is resident is asked for at each event and stands in
/// one bit, so that the answers for all slots fit into the processor's cache.
#[derive(Clone, Debug)]
pub(crate) struct Residents {
    bits: Vec<u64>,
    /// Of the entry that is, or was last, in each slot.
    weights: SlotArray<u32>,
}

impl Residents {
    pub(crate) fn new(bound: u32) -> Self {
        Self { bits: Vec::new(), weights: SlotArray::new(bound, 0) }
    }

    /// Whether an entry is at `slot`.
    #[inline]
    pub(crate) fn contains(&self, slot: u32) -> bool {
        let word = self.bits.get(slot as usize / 64);
        word.is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// An entry comes to `slot`, or the one there changes its weight.
    #[inline]
    pub(crate) fn set(&mut self, slot: u32, weight: u32) {
        let (word, bit) = (slot as usize / 64, 1 << (slot % 64));
        match self.bits.get_mut(word) {
            Some(bits) => *bits |= bit,
            None => self.grow(word, bit),
        }
        self.weights.set(slot, weight);
    }

    /// The entry at `slot` leaves; whether one was there.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        let Some(bits) = self.bits.get_mut(slot as usize / 64) else {
            return false;
        };
        let bit = 1 << (slot % 64);
        let resident = *bits & bit != 0;
        *bits &= !bit;
        resident
    }

    /// What the entry at `slot` weighs, or the last one there weighed.
    #[inline]
    pub(crate) fn weight(&self, slot: u32) -> u32 {
        self.weights.get(slot)
    }

    /// Appends the resident slots and their weights to a state, with their number before.
    pub(crate) fn save(&self, state: &mut Vec<u8>) {
        let slots = (0..self.bits.len() as u32 * 64).filter(|slot| self.contains(*slot));
        let slots: Vec<u32> = slots.collect();
        state.extend((slots.len() as u32).to_le_bytes());
        for slot in slots {
            state.extend(slot.to_le_bytes());
            state.extend(self.weight(slot).to_le_bytes());
        }
    }

    /// What [`save`](Self::save) wrote of slots below `bound`; `None` if it is nothing of that.
    pub(crate) fn restore(bound: u32, state: &mut State<'_>) -> Option<Self> {
        let mut residents = Self::new(bound);
        for _ in 0..state.u32()? {
            let slot = state.u32().filter(|slot| *slot < bound)?;
            let weight = state.u32().filter(|weight| *weight > 0)?;
            if residents.contains(slot) {
                return None;
            }
            residents.set(slot, weight);
        }
        Some(residents)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, word: usize, bit: u64) {
        self.bits.resize(word + 1, 0);
        self.bits[word] = bit;
    }
}
