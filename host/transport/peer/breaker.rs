//! Gives up on a peer that is connected but answers nobody.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Consecutive requests without an answer after which the rest fail at once.
const OPEN_AFTER: u32 = 5;

/// A wait that counts. A caller that allows less would open the breaker for
/// everybody, of a node that is only slower than this caller likes.
const COUNTS_FROM: Duration = Duration::from_millis(500);

/// How long they do, until one is let through to see.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// Counts answers that did not come. A connection that breaks needs none of this:
/// it fails by itself. A source that is slow for all keys looks the same as a
/// node that hangs, and is treated the same.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Since the last answer.
    unanswered: AtomicU32,
    /// When the next one may try, in milliseconds on the caller's clock.
    next_probe_ms: AtomicU64,
}

impl Breaker {
    /// Whether a request may go out at `now_ms`. While the breaker is open, one
    /// may for each pause: its outcome decides.
    pub(super) fn admits(&self, now_ms: u64) -> bool {
        if self.unanswered.load(Ordering::Relaxed) < OPEN_AFTER {
            return true;
        }
        let due = self.next_probe_ms.load(Ordering::Relaxed);
        let next = now_ms + OPEN_FOR.as_millis() as u64;
        // Only one of those who find it due makes the change.
        now_ms >= due
            && self
                .next_probe_ms
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// The peer answered something.
    pub(super) fn answered(&self) {
        // A plain load first: this is on the way of every answer.
        if self.unanswered.load(Ordering::Relaxed) != 0 {
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    /// It did not, and was given up after `waited`.
    pub(super) fn unanswered(&self, now_ms: u64, waited: Duration) {
        if waited < COUNTS_FROM {
            return;
        }
        let before = self.unanswered.fetch_add(1, Ordering::Relaxed);
        if before + 1 == OPEN_AFTER {
            let next = now_ms + OPEN_FOR.as_millis() as u64;
            self.next_probe_ms.store(next, Ordering::Relaxed);
        }
    }

    /// Whether requests fail at once.
    pub(super) fn is_open(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) >= OPEN_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_probes() {
        let breaker = Breaker::default();
        for _ in 1..OPEN_AFTER {
            breaker.unanswered(10, COUNTS_FROM);
        }
        breaker.answered();
        for _ in 0..OPEN_AFTER {
            assert!(breaker.admits(10), "only failures in a row count");
            breaker.unanswered(10, COUNTS_FROM);
        }
        assert!(breaker.is_open() && !breaker.admits(10) && !breaker.admits(1_009));
        assert!(breaker.admits(1_010), "one may see");
        assert!(!breaker.admits(1_010), "and only one");
        breaker.unanswered(1_500, COUNTS_FROM);
        assert!(!breaker.admits(2_009), "it failed as well");
        assert!(breaker.admits(2_010));
        breaker.answered();
        assert!(!breaker.is_open() && breaker.admits(2_011));
    }

    #[test]
    fn callers_in_a_hurry_do_not_open_it() {
        let breaker = Breaker::default();
        for _ in 0..100 {
            breaker.unanswered(10, COUNTS_FROM - Duration::from_millis(1));
        }
        assert!(!breaker.is_open());
    }
}
