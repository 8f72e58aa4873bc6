//! When a guest that computes gives its thread up.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The turns of one guest on a thread. A turn ends when the guest waits, and at the first tick that
/// comes while it computes.
///
/// Ticks pass while a guest waits, too, and one that has waited meets such a tick as soon as it
/// goes on. That one does not count: to give the thread up then would cost nearly every load
/// another turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// A turn has begun after a wait, and no tick was met in it.
    has_waited: AtomicBool,
    /// The turn before was ended by a tick.
    was_ended: AtomicBool,
}

impl Turns {
    /// The guest gets the thread.
    pub(super) fn begin(&self) {
        if !self.was_ended.swap(false, Relaxed) {
            self.has_waited.store(true, Relaxed);
        }
    }

    /// A tick is met. Whether it ends the turn.
    pub(super) fn end_by_tick(&self) -> bool {
        let ends = !self.has_waited.swap(false, Relaxed);
        self.was_ended.store(ends, Relaxed);
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_of_a_wait_does_not_count_and_each_other_one_does() {
        let turns = Turns::default();
        turns.begin();
        assert!(!turns.end_by_tick(), "it passed during the wait");
        assert!(turns.end_by_tick());
        for _ in 0..3 {
            turns.begin();
            assert!(turns.end_by_tick(), "a guest that goes on computing has a tick a turn");
        }
        turns.begin();
        turns.begin();
        assert!(!turns.end_by_tick(), "it has waited");
    }
}
