//! A model of what is resident, and why a slot is not.

use std::collections::BTreeMap;

use super::script::{Step, Stored};

/// Why a slot can't be a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nothing was ever stored there.
    Never,
    /// In this step.
    Removed(usize),
    /// In this step, by the policy.
    Evicted(usize),
}

/// What a node holds after the steps so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Residents {
    resident: BTreeMap<u32, Stored>,
    gone: BTreeMap<u32, Gone>,
    held: u64,
}

impl Residents {
    pub(super) fn len(&self) -> usize {
        self.resident.len()
    }

    /// Their weight.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    pub(super) fn get(&self, slot: u32) -> Option<Stored> {
        self.resident.get(&slot).copied()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.resident.keys().copied()
    }

    /// Whether a key would be resident in two slots after this step. A node never does that.
    pub(super) fn doubles_a_key(&self, step: &Step) -> bool {
        let admitted = |slot: u32| step.admitted.iter().any(|stored| stored.slot == slot);
        let stays = |slot: &u32| !step.removed.contains(slot) && !admitted(*slot);
        let staying =
            self.resident.iter().filter(|(slot, _)| stays(slot)).map(|(_, stored)| stored);
        let mut keys: Vec<u64> = staying.chain(&step.admitted).map(|stored| stored.key).collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Takes down what the step with this number tells the policy.
    pub(super) fn tell(&mut self, number: usize, step: &Step) {
        for slot in &step.removed {
            if self.take(*slot).is_some() {
                self.gone.insert(*slot, Gone::Removed(number));
            }
        }
        for stored in &step.admitted {
            self.take(stored.slot);
            self.held += u64::from(stored.weight);
            self.resident.insert(stored.slot, *stored);
        }
    }

    /// The entry of a victim of the step with this number, which leaves.
    ///
    /// # Errors
    /// There is none: why.
    pub(super) fn evict(&mut self, number: usize, slot: u32) -> Result<Stored, Gone> {
        match self.take(slot) {
            Some(stored) => {
                self.gone.insert(slot, Gone::Evicted(number));
                Ok(stored)
            }
            None => Err(self.gone.get(&slot).copied().unwrap_or(Gone::Never)),
        }
    }

    fn take(&mut self, slot: u32) -> Option<Stored> {
        let stored = self.resident.remove(&slot)?;
        self.held -= u64::from(stored.weight);
        Some(stored)
    }
}
