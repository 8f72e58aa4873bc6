//! Counts the calls in flight, so that a server that stops waits for calls and not for
//! connections. A connection without a call may stay open for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// A stopping server has no more calls if none comes within this time after the last one.
/// Calls that clients sent before they learned of the stop may be on their way.
const QUIET: Duration = Duration::from_millis(500);

/// The number of calls in flight.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    /// The counters guard no data, so their operations are relaxed.
    running: AtomicUsize,
    /// All calls that have begun. It wraps.
    begun: AtomicUsize,
    /// Told when `running` falls to 0.
    none: Notify,
}

impl InFlight {
    /// Waits until no call has been in flight for [`QUIET`].
    pub(super) async fn ended(&self) {
        loop {
            let none = self.0.none.notified();
            let begun = self.0.begun.load(Ordering::Relaxed);
            if self.0.running.load(Ordering::Relaxed) > 0 {
                none.await;
                continue;
            }
            tokio::time::sleep(QUIET).await;
            if self.0.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }

    /// Number of calls in flight.
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(&self.0))
    }
}

/// A call in flight. Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Running(Arc<Calls>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.none.notify_waiters();
        }
    }
}
