//! Limits one log statement to one line in each interval.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Admits one line in each interval and counts the others.
#[derive(Debug)]
pub(crate) struct LogLimiter {
    interval_ms: u64,
    /// When the next line may be written, in milliseconds since [`START`]. The thread that
    /// advances it writes the line.
    next_ms: AtomicU64,
    suppressed: AtomicU64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl LogLimiter {
    /// A limiter that admits one line in each `interval`.
    #[must_use]
    pub(crate) const fn every(interval: Duration) -> Self {
        Self {
            interval_ms: interval.as_millis() as u64,
            next_ms: AtomicU64::new(0),
            suppressed: AtomicU64::new(0),
        }
    }

    /// Returns `Some` if a line should be written now, with the number of lines that were
    /// suppressed since the last one.
    pub(crate) fn admit(&self) -> Option<u64> {
        self.admit_at(START.elapsed().as_millis() as u64)
    }

    fn admit_at(&self, now_ms: u64) -> Option<u64> {
        let next = self.next_ms.load(Ordering::Relaxed);
        let mine = now_ms >= next
            && self
                .next_ms
                .compare_exchange(
                    next,
                    now_ms + self.interval_ms,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if mine {
            return Some(self.suppressed.swap(0, Ordering::Relaxed));
        }
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_each_interval_tells_how_many_were_held_back() {
        let limiter = LogLimiter::every(Duration::from_secs(1));
        assert_eq!(limiter.admit_at(0), Some(0));
        assert_eq!(limiter.admit_at(1), None);
        assert_eq!(limiter.admit_at(999), None);
        assert_eq!(limiter.admit_at(1000), Some(2));
        assert_eq!(limiter.admit_at(1001), None);
    }
}
