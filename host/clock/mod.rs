//! The one clock of a node: milliseconds since it started, never going back, and
//! the waiting that is counted in them.
//!
//! The time of a suspension counts, where the system reports it, because a lease continues
//! meanwhile. On Linux `std::time::Instant` does not count it.

mod by_hand;

use std::time::Duration;

use by_hand::ByHand;

/// The clock that deadlines are measured with. Clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Monotonic {
        /// When the clock was made.
        start: Duration,
        /// What it showed then.
        first_ms: u64,
    },
    /// Set by hand. A test of a time to live need not wait, and a simulation controls what
    /// happens between two milliseconds.
    Manual(ByHand),
}

/// A moment on a clock.
#[derive(Clone, Debug)]
pub struct Until {
    clock: Clock,
    ms: u64,
}

/// The limit passed before the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// A clock that starts now, at 1 ms. The value 0 is reserved for "no deadline".
    #[must_use]
    pub fn monotonic() -> Self {
        Self::monotonic_from(1)
    }

    /// A clock that starts now, at `first_ms`, above 0.
    pub(crate) fn monotonic_from(first_ms: u64) -> Self {
        Self(Source::Monotonic { start: since_boot(), first_ms })
    }

    /// A clock that stands at 1 ms until [`advance`](Self::advance) moves it.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(ByHand::new()))
    }

    /// Milliseconds since the clock was made, plus what it showed then.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::Monotonic { start, first_ms } => {
                since_boot().saturating_sub(*start).as_millis() as u64 + first_ms
            }
            Source::Manual(clock) => clock.now_ms(),
        }
    }

    /// Waits for `duration`.
    ///
    /// # Panics
    /// On a monotonic clock, outside of a tokio runtime with timers.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::Monotonic { .. } => tokio::time::sleep(duration).await,
            Source::Manual(clock) => clock.sleep(duration).await,
        }
    }

    /// Returns the output of `work` if it ends within `limit`. Otherwise `work` is dropped.
    ///
    /// # Errors
    /// [`Elapsed`].
    ///
    /// # Panics
    /// As [`sleep`](Self::sleep).
    pub async fn timeout<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Elapsed> {
        match &self.0 {
            Source::Monotonic { .. } => {
                tokio::time::timeout(limit, work).await.map_err(|_| Elapsed)
            }
            Source::Manual(clock) => tokio::select! {
                biased;
                end = work => Ok(end),
                () = clock.sleep(limit) => Err(Elapsed),
            },
        }
    }

    /// The moment at which this clock shows `ms`.
    #[must_use]
    pub fn until(&self, ms: u64) -> Until {
        Until { clock: self.clone(), ms }
    }

    /// When the next sleeper of a manual clock is due; `None`: no task sleeps.
    ///
    /// # Panics
    /// On a monotonic clock.
    #[must_use]
    pub fn next_due_ms(&self) -> Option<u64> {
        self.by_hand().next_due_ms()
    }

    /// Moves a manual clock, and every clone of it, by `ms`, and wakes the tasks that are due.
    ///
    /// # Panics
    /// On a monotonic clock.
    pub fn advance(&self, ms: u64) {
        self.by_hand().advance(ms);
    }

    fn by_hand(&self) -> &ByHand {
        match &self.0 {
            Source::Monotonic { .. } => panic!("only a manual clock can be moved"),
            Source::Manual(clock) => clock,
        }
    }
}

impl Until {
    /// The time that is left, 0 from that moment on.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::from_millis(self.ms.saturating_sub(self.clock.now_ms()))
    }
}

/// The time since the machine was started, suspensions included.
fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    // On other systems the monotonic clock may count suspensions.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(CLOCK);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
