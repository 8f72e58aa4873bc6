//! The clock of a node, as a client knows it: never ahead of what the node's own clock shows.
//!
//! A set carries the moment at which its time is over, by the clock of the node that it is sent
//! to. The client sends the set to another node, or lets its caller make a later change, only
//! after that moment. So a set that was delayed on its way can't replace a later value.

use std::time::Duration;

use crate::clock::Clock;
use crate::sync::Mutex;

/// How old a reading may be.
const FRESH_MS: u64 = 10_000;

/// Clocks drift apart by less than this part of the time: `docs/consistency.md`.
const DRIFT: u64 = 200;

/// The clock of the node at the other end of one connection.
#[derive(Default)]
pub(super) struct NodeClock(Mutex<Option<Reading>>);

#[derive(Clone, Copy)]
struct Reading {
    /// What the node's clock showed.
    node_ms: u64,
    /// A moment after that, by the client's clock.
    at_ms: u64,
}

impl NodeClock {
    /// Notes what the node's clock showed before now.
    pub(super) fn note(&self, node_ms: u64, own: &Clock) {
        // Rounded up.
        *self.0.lock() = Some(Reading { node_ms, at_ms: own.now_ms() + 1 });
    }

    /// A moment that the node's clock has reached when `rest` has passed; `None`: the node must
    /// be asked first.
    ///
    /// `rest` is read after the client's clock. If this process is paused between the two, the
    /// moment is too early. In the other order the pause would count twice.
    pub(super) fn after(&self, rest: impl FnOnce() -> Duration, own: &Clock) -> Option<u64> {
        let Reading { node_ms, at_ms } = (*self.0.lock())?;
        let age_ms = own.now_ms().saturating_sub(at_ms);
        let rest_ms = u64::try_from(rest().as_millis()).unwrap_or(u64::MAX);
        let passed_ms = age_ms.saturating_add(rest_ms);
        let drift_ms = passed_ms.div_ceil(DRIFT);
        (age_ms <= FRESH_MS).then(|| node_ms.saturating_add(passed_ms - drift_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_s_clock_is_not_ahead_of_itself_and_must_be_read_again() {
        let (own, clock) = (Clock::manual(), NodeClock::default());
        let second = || Duration::from_secs(1);
        assert_eq!(clock.after(second, &own), None);
        clock.note(5_000, &own);
        own.advance(1_001);
        assert_eq!(clock.after(second, &own), Some(5_000 + 2_000 - 10));
        let after_a_pause = || {
            own.advance(500);
            second()
        };
        assert_eq!(clock.after(after_a_pause, &own), Some(5_000 + 2_000 - 10));
        // What may have drifted is rounded up.
        assert_eq!(clock.after(|| Duration::ZERO, &own), Some(5_000 + 1_500 - 8));
        own.advance(FRESH_MS - 1_500);
        assert!(clock.after(second, &own).is_some());
        own.advance(1);
        assert_eq!(clock.after(second, &own), None);
        clock.note(100, &own);
        assert!(clock.after(second, &own).is_some_and(|ms| ms < 1_100));
    }
}
