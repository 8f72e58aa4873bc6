//! Wakes tasks that wait for a change, in the order in which they began to wait.
//!
//! The order does not depend on chance, so that a simulation can be repeated.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts changes, and wakes tasks that wait for one.
#[derive(Debug, Default)]
pub(super) struct Signal {
    changes: AtomicU64,
    told: Notify,
}

/// A subscription to changes. It reports the changes between two calls as one.
#[derive(Debug)]
pub struct Changes<'a> {
    signal: &'a Signal,
    seen: u64,
}

impl Signal {
    /// Reports a change.
    pub(super) fn tell(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.told.notify_waiters();
    }

    /// Subscribes to changes from now on.
    pub(super) fn changes(&self) -> Changes<'_> {
        Changes { signal: self, seen: self.changes.load(Ordering::Acquire) }
    }
}

impl Changes<'_> {
    /// Returns when there is a change that this has not seen yet. Dropping the future
    /// loses no change.
    pub async fn changed(&mut self) {
        loop {
            // Created before the check, so that no change between the two is missed.
            let told = self.signal.told.notified();
            let now = self.signal.changes.load(Ordering::Acquire);
            if now != std::mem::replace(&mut self.seen, now) {
                return;
            }
            told.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_change_ends_a_wait_that_began_before_it() {
        let signal = Signal::default();
        signal.tell();
        let mut changes = signal.changes();
        assert_eq!(changes.changed().now_or_never(), None, "it came before");
        signal.tell();
        signal.tell();
        assert_eq!(changes.changed().now_or_never(), Some(()));
        assert_eq!(changes.changed().now_or_never(), None, "both were seen");
        let mut waits = std::pin::pin!(changes.changed());
        assert_eq!(waits.as_mut().now_or_never(), None);
        signal.tell();
        assert_eq!(waits.now_or_never(), Some(()));
    }
}
