//! How long something takes, as counts between fixed bounds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Durations from half a millisecond to ten seconds, counted without a lock.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; Self::BUCKETS],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Upper bounds of all buckets but the last, which has none.
    pub const BOUNDS_SECONDS: [f64; 14] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ];

    /// Buckets, with the unbounded one.
    pub const BUCKETS: usize = Self::BOUNDS_SECONDS.len() + 1;

    /// Counts one duration.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = Self::BOUNDS_SECONDS.partition_point(|bound| *bound < seconds);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us
            .fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// The counts of each bucket by itself, and the sum of all durations in
    /// seconds.
    #[must_use]
    pub fn snapshot(&self) -> ([u64; Self::BUCKETS], f64) {
        let counts = self
            .counts
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        (counts, self.sum_us.load(Ordering::Relaxed) as f64 / 1e6)
    }
}
