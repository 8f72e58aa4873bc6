//! Whether the source of a group answers at present, and when it is asked again.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::retriever::FetchError;
use crate::sync::Mutex;

/// While the source does not answer, one load asks it in so much time. The others fail, or are
/// answered with an expired value, at once.
const PROBE_EACH_MS: u64 = 1_000;

/// How many loads in a row must end without an answer in time until the source counts as slow.
/// A single one says more about its key.
const SLOW_AFTER: u32 = 3;

/// What the last loads and probes say of the source.
///
/// Gets and loads of all keys share it. One that reads an older state loads once more or answers
/// once more with an expired value, so nothing is ordered by it.
#[derive(Debug, Default)]
pub(super) struct SourceHealth {
    /// Loads in a row that found it unavailable.
    unavailable: AtomicU32,
    /// Loads in a row that got no answer in time.
    late: AtomicU32,
    /// When the last of these failures was noted.
    failed_at_ms: AtomicU64,
    /// When it is asked next; 0: the last load was answered.
    probe_at_ms: AtomicU64,
    /// Why the last load has failed, for people. Locked to copy or replace it.
    problem: Mutex<String>,
}

impl SourceHealth {
    /// Notes how a load or a probe ended that began at `began_ms`. Failures of loads that overlap
    /// count as one: the loads of a batch fail together, and concurrent loads say no more of an
    /// outage than one of them.
    pub(super) fn note<T>(&self, asked: &Result<T, FetchError>, began_ms: u64, now_ms: u64) {
        let (failures, down_after) = match asked {
            Err(FetchError::Unavailable(_)) => (&self.unavailable, 1),
            Err(FetchError::Timeout(_)) => (&self.late, SLOW_AFTER),
            // They say nothing of the source.
            Err(FetchError::Broken(_) | FetchError::Full(_)) => return,
            Ok(_) | Err(_) => return self.answers(),
        };
        if began_ms < self.failed_at_ms.load(Relaxed) {
            return;
        }
        self.failed_at_ms.store(now_ms, Relaxed);
        let failed = failures.fetch_add(1, Relaxed).saturating_add(1);
        if failed < down_after {
            return;
        }
        self.probe_at_ms.store(now_ms + PROBE_EACH_MS, Relaxed);
        if let Err(problem) = asked {
            *self.problem.lock() = problem.to_string();
        }
    }

    fn answers(&self) {
        // Read first, because most of the time nothing is to be written.
        let all = [&self.unavailable, &self.late];
        all.into_iter().filter(|count| count.load(Relaxed) > 0).for_each(|c| c.store(0, Relaxed));
        if self.probe_at_ms.load(Relaxed) > 0 {
            self.probe_at_ms.store(0, Relaxed);
        }
    }

    /// Whether a get that could be answered without it is to ask the source.
    pub(super) fn may_be_asked(&self, now_ms: u64, breaker: Option<u32>) -> bool {
        match self.is_broken(breaker) {
            // Its load decides, see [`is_to_be_asked`](Self::is_to_be_asked).
            true => self.outage(now_ms).1 == 0,
            false => self.is_to_be_asked(now_ms),
        }
    }

    /// Whether the caller is to ask the source: it answers, or the caller is the one that tries.
    pub(super) fn is_to_be_asked(&self, now_ms: u64) -> bool {
        let at_ms = self.probe_at_ms.load(Relaxed);
        let next_ms = now_ms + PROBE_EACH_MS;
        let is_first =
            || self.probe_at_ms.compare_exchange(at_ms, next_ms, Relaxed, Relaxed).is_ok();
        at_ms == 0 || at_ms <= now_ms && is_first()
    }

    /// Whether `breaker` loads in a row found the source unavailable.
    pub(super) fn is_broken(&self, breaker: Option<u32>) -> bool {
        breaker.is_some_and(|breaker| self.unavailable.load(Relaxed) >= breaker)
    }

    /// How many loads in a row found the source unavailable, and in how many milliseconds it is
    /// asked again.
    pub(super) fn outage(&self, now_ms: u64) -> (u32, u64) {
        let at_ms = self.probe_at_ms.load(Relaxed);
        (self.unavailable.load(Relaxed), at_ms.saturating_sub(now_ms))
    }

    /// A word for the state of the source, and its problem, for people.
    pub(super) fn state(&self) -> (&'static str, String) {
        let word = match () {
            () if self.unavailable.load(Relaxed) > 0 => "unavailable",
            () if self.late.load(Relaxed) >= SLOW_AFTER => "slow",
            () => return ("running", String::new()),
        };
        (word, self.problem.lock().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Result<(), FetchError> {
        Err(FetchError::Unavailable("refused".into()))
    }

    #[test]
    fn failures_of_loads_that_ran_together_are_one() {
        let health = SourceHealth::default();
        // The loads of a batch.
        for _ in 0..128 {
            health.note(&down(), 10, 20);
        }
        assert!(!health.is_broken(Some(2)));
        // One that began after they had failed.
        health.note(&down(), 20, 30);
        assert!(health.is_broken(Some(2)));
        health.note(&Ok::<_, FetchError>(()), 25, 40);
        assert!(!health.is_broken(Some(1)));
    }

    #[test]
    fn late_loads_of_one_batch_do_not_make_a_source_slow() {
        let health = SourceHealth::default();
        let late = || Err::<(), _>(FetchError::Timeout(std::time::Duration::from_secs(5)));
        for began_ms in [0, 0, 0, 5_000] {
            health.note(&late(), began_ms, began_ms + 5_000);
        }
        assert_eq!(health.state().0, "running");
        health.note(&late(), 10_000, 15_000);
        assert_eq!(health.state().0, "slow");
    }
}
