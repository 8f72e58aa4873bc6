//! The one clock of a node: milliseconds since it started, never going back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Tells the time that deadlines are counted in. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Monotonic(Instant),
    /// Set by hand, so that a test of a time to live need not wait for it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that starts at 1 ms now: 0 is left to say "no deadline".
    #[must_use]
    pub fn monotonic() -> Self {
        Self(Source::Monotonic(Instant::now()))
    }

    /// A clock that stands at 1 ms until [`advance`](Self::advance) moves it.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(1))))
    }

    /// Milliseconds since the clock was made, plus one.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::Monotonic(start) => start.elapsed().as_millis() as u64 + 1,
            Source::Manual(now) => now.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock, and every clone of it, by `ms`.
    ///
    /// # Panics
    /// On a monotonic clock.
    pub fn advance(&self, ms: u64) {
        match &self.0 {
            Source::Monotonic(_) => panic!("only a manual clock can be moved"),
            Source::Manual(now) => now.fetch_add(ms, Ordering::Relaxed),
        };
    }
}
