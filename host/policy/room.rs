//! Inserts that wait for room at the hard capacity.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Who waits, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: Notify,
    /// How many wait, so that nobody is woken for those who do not.
    count: AtomicUsize,
    is_closed: AtomicBool,
}

/// One that is counted, until dropped.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Room {
    /// Queues up, calls `queued`, and waits to be woken, but no longer than `limit`. Answers
    /// whether it was woken; at once `false` when the room is closed.
    pub(super) async fn wait(&self, limit: Duration, queued: impl FnOnce()) -> bool {
        self.count.fetch_add(1, Ordering::AcqRel);
        let _counted = Counted(&self.count);
        let mut woken = std::pin::pin!(self.waiting.notified());
        // From here on a wake is not missed, and the room that closes is seen here or wakes.
        woken.as_mut().enable();
        if self.is_closed.load(Ordering::Acquire) {
            return false;
        }
        queued();
        tokio::time::timeout(limit, woken).await.is_ok() && !self.is_closed.load(Ordering::Acquire)
    }

    /// Wakes the `count` that have waited longest: one for each entry that left, so that a
    /// single eviction does not send everybody to fight for it.
    pub(super) fn wake(&self, count: usize) {
        for _ in 0..count.min(self.count.load(Ordering::Acquire)) {
            self.waiting.notify_one();
        }
    }

    /// Sends everybody away, now and from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.waiting.notify_waiters();
    }
}
