//! Decides after a failure whether and when a policy gets a new instance.

use std::collections::VecDeque;
use std::time::Duration;

use crate::backoff::Backoff;

/// How often and when a worker restarts a policy that fails.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Pause before the new instance after a first failure. It doubles with each
    /// failure that follows within `window` of the one before.
    pub first_backoff: Duration,
    /// The longest pause.
    pub longest_backoff: Duration,
    /// Number of failures within `window` at which the worker gives up.
    pub strikes: usize,
    /// How long a failure counts.
    pub window: Duration,
}

impl Default for Patience {
    /// 50 ms, doubling to 5 s; three strikes within a minute.
    fn default() -> Self {
        Self {
            first_backoff: Duration::from_millis(50),
            longest_backoff: Duration::from_secs(5),
            strikes: 3,
            window: Duration::from_secs(60),
        }
    }
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// Make a new instance at this time of the clock, in milliseconds.
    At(u64),
    /// Evict by recency until an operator swaps the policy.
    Never,
}

/// The recent failures of one source.
#[derive(Debug)]
pub(super) struct Strikes {
    patience: Patience,
    /// Times of the failures within the window, oldest first.
    at_ms: VecDeque<u64>,
    /// Reset by a failure that does not come within the window of the one before.
    backoff: Backoff,
}

impl Strikes {
    pub(super) fn new(patience: Patience) -> Self {
        let backoff = Backoff::new(patience.first_backoff, patience.longest_backoff);
        Self { patience, at_ms: VecDeque::new(), backoff }
    }

    /// Counts a failure at `now_ms`.
    pub(super) fn strike(&mut self, now_ms: u64) -> Retry {
        let Patience { strikes, window, .. } = self.patience;
        let oldest_ms = now_ms.saturating_sub(window.as_millis() as u64);
        if self.at_ms.back().is_none_or(|last_ms| *last_ms <= oldest_ms) {
            self.backoff.reset();
        }
        self.at_ms.retain(|at_ms| *at_ms > oldest_ms);
        self.at_ms.push_back(now_ms);
        if self.at_ms.len() >= strikes {
            return Retry::Never;
        }
        Retry::At(now_ms + self.backoff.pause().as_millis() as u64)
    }

    /// Forgets all failures, because the source has changed.
    pub(super) fn forget(&mut self) {
        self.at_ms.clear();
        self.backoff.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff_ms(strikes: &mut Strikes, now_ms: u64) -> u64 {
        match strikes.strike(now_ms) {
            Retry::At(at_ms) => at_ms - now_ms,
            Retry::Never => panic!("gave up at {now_ms}"),
        }
    }

    #[test]
    fn the_third_failure_within_a_minute_is_the_last() {
        let mut strikes = Strikes::new(Patience::default());
        assert_eq!(backoff_ms(&mut strikes, 1_000), 50);
        assert_eq!(backoff_ms(&mut strikes, 2_000), 100);
        assert_eq!(strikes.strike(60_999), Retry::Never);
    }

    #[test]
    fn a_failure_is_forgotten_after_the_window() {
        let mut strikes = Strikes::new(Patience::default());
        assert_eq!(backoff_ms(&mut strikes, 1_000), 50);
        assert_eq!(backoff_ms(&mut strikes, 2_000), 100);
        // The first is 60 s old now and does not count.
        assert_eq!(backoff_ms(&mut strikes, 61_000), 200);
        // A quiet minute, and the pause is short again.
        assert_eq!(backoff_ms(&mut strikes, 121_001), 50);
    }

    #[test]
    fn steady_failures_wait_no_longer_than_the_longest() {
        let mut strikes = Strikes::new(Patience::default());
        let pauses: Vec<u64> = (1..=9).map(|nth| backoff_ms(&mut strikes, nth * 31_000)).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn another_source_starts_anew() {
        let mut strikes = Strikes::new(Patience::default());
        strikes.strike(1_000);
        strikes.strike(1_001);
        strikes.forget();
        assert_eq!(backoff_ms(&mut strikes, 1_002), 50);
    }
}
