//! Hits on their way to the policy: a small ring that forgets rather than waits.

use std::sync::atomic::{AtomicU32, Ordering};

/// A lossy ring of slots: any number of writers, one reader at a time. When it is
/// full the newest touch is dropped, which costs a policy some precision and a
/// hit nothing.
#[derive(Debug)]
pub struct TouchRing {
    slots: Box<[AtomicU32]>,
    /// Places handed out since the last drain; may exceed the length.
    next: AtomicU32,
}

/// No slot is that large: slots are below `max_entries`.
const EMPTY: u32 = u32::MAX;

impl TouchRing {
    /// A ring with room for `len` touches.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self {
            slots: (0..len).map(|_| AtomicU32::new(EMPTY)).collect(),
            next: AtomicU32::new(0),
        }
    }

    /// Notes a hit on `slot`. Answers the number of touches waiting.
    pub fn push(&self, slot: u32) -> usize {
        let len = self.slots.len();
        // A plain load first: a full ring must not become a contended counter.
        if self.next.load(Ordering::Relaxed) as usize >= len {
            return len;
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        if let Some(cell) = self.slots.get(place) {
            cell.store(slot, Ordering::Release);
        }
        len.min(place + 1)
    }

    /// Takes all touches in the order they came, calling `take` for each.
    pub fn drain(&self, mut take: impl FnMut(u32)) {
        let filled = (self.next.load(Ordering::Acquire) as usize).min(self.slots.len());
        for cell in &self.slots[..filled] {
            // A writer may hold a place that it has not written yet: that touch
            // shows up at the next drain, or is overwritten.
            let slot = cell.swap(EMPTY, Ordering::Acquire);
            if slot != EMPTY {
                take(slot);
            }
        }
        self.next.store(0, Ordering::Release);
    }
}
