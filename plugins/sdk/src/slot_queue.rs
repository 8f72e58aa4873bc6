//! A queue of slots in the order of their last push: what FIFO and LRU are made of.

use crate::{SlotQueues, State};

/// Records that the log may hold for each slot that stands in the queue. A larger log
/// is swept more seldom.
const RECORDS_PER_SLOT: f64 = 3.0;

/// Slots from the one pushed last to the one pushed first, each at most once: one of
/// [`SlotQueues`].
///
/// It takes 16 bytes for each slot in it: 4 for the place of its record, and at most
/// three records.
#[derive(Clone, Debug)]
pub struct SlotQueue(SlotQueues<1>);

impl SlotQueue {
    /// An empty queue for slots below `bound`.
    pub fn new(bound: u32) -> Self {
        Self(SlotQueues::new(bound, (), RECORDS_PER_SLOT))
    }

    /// How many slots stand in it.
    pub fn len(&self) -> u32 {
        self.0.len(0)
    }

    /// Whether no slot stands in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty(0)
    }

    /// Puts a slot that does not stand in the queue first.
    #[inline]
    pub fn push_front(&mut self, slot: u32) {
        self.0.push_front(0, slot, ());
    }

    /// Moves a slot of the queue to the front.
    #[inline]
    pub fn move_to_front(&mut self, slot: u32) {
        self.0.move_to_front(0, 0, slot, ());
    }

    /// Takes a slot out of the queue, in which it must stand.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        self.0.remove(0, slot);
    }

    /// Takes the last slot out.
    #[inline]
    pub fn pop_back(&mut self) -> Option<u32> {
        self.0.pop_back(0)
    }

    /// The slots from front to back; for tests and tools, because it copies them.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter(0)
    }

    /// Appends the slots from back to front to the state of a policy, with their number before.
    pub fn save(&self, state: &mut Vec<u8>) {
        let slots: Vec<u32> = self.iter().collect();
        state.extend(self.len().to_le_bytes());
        state.extend(slots.into_iter().rev().flat_map(u32::to_le_bytes));
    }

    /// A queue of slots below `bound` that [`save`](Self::save) wrote; `None` if it is none.
    pub fn restore(bound: u32, state: &mut State<'_>) -> Option<Self> {
        let mut queue = Self::new(bound);
        for _ in 0..state.u32()? {
            let slot = state.u32().filter(|slot| *slot < bound)?;
            if queue.0.has_record(slot) {
                return None;
            }
            queue.push_front(slot);
        }
        Some(queue)
    }
}
