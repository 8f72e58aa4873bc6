//! A histogram of durations that many threads write without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds. Each is four times the one before: from
/// 16 µs, about a hit over the network, to 17 s, which is above the usual deadlines.
const BOUNDS_US: [u64; 11] =
    [16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/// A histogram of durations.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    /// One bucket for each bound, and one for longer durations.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    total_ns: AtomicU64,
}

/// A histogram of durations at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationsReading {
    /// Inclusive upper bounds of the buckets, in microseconds, ascending.
    pub bounds_us: &'static [u64],
    /// Count of each bucket, not cumulative. There is one more bucket than there are bounds.
    pub buckets: Vec<u64>,
    /// Sum of all durations.
    pub total: Duration,
}

impl Durations {
    /// Counts one duration.
    pub(crate) fn record(&self, took: Duration) {
        self.record_each(took, 1);
    }

    /// Counts the same duration several times.
    pub(crate) fn record_each(&self, took: Duration, times: u64) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < took_ns.div_ceil(1_000));
        self.buckets[bucket].fetch_add(times, Ordering::Relaxed);
        self.total_ns.fetch_add(took_ns.saturating_mul(times), Ordering::Relaxed);
    }

    /// The current values.
    #[must_use]
    pub(crate) fn read(&self) -> DurationsReading {
        let load = |bucket: &AtomicU64| bucket.load(Ordering::Relaxed);
        DurationsReading {
            bounds_us: &BOUNDS_US,
            buckets: self.buckets.iter().map(load).collect(),
            total: Duration::from_nanos(self.total_ns.load(Ordering::Relaxed)),
        }
    }
}

impl DurationsReading {
    /// Number of durations counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_can_hold_it() {
        let durations = Durations::default();
        for took_ns in [0, 16_000, 16_001, 60_000_000_000] {
            durations.record(Duration::from_nanos(took_ns));
        }
        let reading = durations.read();
        assert_eq!(reading.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(reading.count(), 4);
        assert_eq!(reading.total, Duration::from_nanos(60_000_032_001));
    }
}
