//! The limit of a caller's requests in a second.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const SECOND_NS: u64 = 1_000_000_000;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A number of requests in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PerSecond(u32);

impl PerSecond {
    /// The highest number that is a limit.
    pub(crate) const MOST: u32 = 10_000_000;

    /// From 1 to [`MOST`](Self::MOST).
    pub(crate) fn new(requests: u32) -> Option<Self> {
        (1..=Self::MOST).contains(&requests).then_some(Self(requests))
    }

    pub(crate) fn get(self) -> u32 {
        self.0
    }
}

/// Admits so many requests in a second: as many at once after a quiet second, else evenly. It is
/// the generic cell rate algorithm, which needs one number and no lock.
#[derive(Debug)]
pub(super) struct Rate {
    pub(super) limit: PerSecond,
    /// When the next request would be due if all came evenly, in nanoseconds since [`START`]. It
    /// guards no data, so it is relaxed.
    due_ns: AtomicU64,
}

impl Rate {
    pub(super) fn new(limit: PerSecond) -> Self {
        Self { limit, due_ns: AtomicU64::new(0) }
    }

    /// Counts a request if it may be made now; else says in how long one may.
    pub(super) fn admit(&self) -> Result<(), Duration> {
        self.admit_at(START.elapsed().as_nanos() as u64)
    }

    fn admit_at(&self, now_ns: u64) -> Result<(), Duration> {
        let interval_ns = SECOND_NS / u64::from(self.limit.0);
        // Later than this it is due for too many: they would be more than in a second.
        let latest_ns = now_ns + SECOND_NS - interval_ns;
        let count = |due_ns| (due_ns <= latest_ns).then(|| now_ns.max(due_ns) + interval_ns);
        match self.due_ns.fetch_update(Relaxed, Relaxed, count) {
            Ok(_) => Ok(()),
            Err(due_ns) => Err(Duration::from_nanos(due_ns - latest_ns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_requests_is_admitted_at_once_and_the_rest_evenly() {
        let rate = Rate::new(PerSecond::new(10).unwrap());
        let now = 5 * SECOND_NS;
        let admitted = (0..25).filter(|_| rate.admit_at(now).is_ok()).count();
        assert_eq!(admitted, 10);
        assert_eq!(rate.admit_at(now), Err(Duration::from_millis(100)));
        assert_eq!(rate.admit_at(now + SECOND_NS / 10), Ok(()));
        assert_eq!(rate.admit_at(now + SECOND_NS / 10), Err(Duration::from_millis(100)));
        let later = now + 60 * SECOND_NS;
        assert_eq!((0..25).filter(|_| rate.admit_at(later).is_ok()).count(), 10);
    }

    #[test]
    fn one_a_second_is_one_a_second() {
        let rate = Rate::new(PerSecond::new(1).unwrap());
        assert_eq!(rate.admit_at(SECOND_NS), Ok(()));
        assert_eq!(rate.admit_at(SECOND_NS), Err(Duration::from_secs(1)));
        assert_eq!(rate.admit_at(2 * SECOND_NS), Ok(()));
        assert_eq!(PerSecond::new(0), None);
        assert_eq!(PerSecond::new(PerSecond::MOST + 1), None);
    }
}
