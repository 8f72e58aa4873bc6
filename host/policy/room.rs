//! The queue of inserts that wait for room because the store is full.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Waiting inserts, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: Notify,
    /// Number of waiting inserts. It limits the wakes, because a wake without a waiter would
    /// be stored for a later one.
    count: AtomicUsize,
    is_closed: AtomicBool,
}

/// One waiting insert in the count. Dropping it lowers the count.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Room {
    /// Joins the queue, calls `queued`, and waits for a wake, at most `limit`. Returns
    /// whether there was one. Returns `false` at once if the room is closed.
    pub(super) async fn wait(&self, limit: Duration, queued: impl FnOnce()) -> bool {
        self.count.fetch_add(1, Ordering::AcqRel);
        let _counted = Counted(&self.count);
        let mut woken = std::pin::pin!(self.waiting.notified());
        // From here on no wake is missed. If the room is closed at the same time, either
        // the check below sees it or the waiter is woken.
        woken.as_mut().enable();
        if self.is_closed.load(Ordering::Acquire) {
            return false;
        }
        queued();
        tokio::time::timeout(limit, woken).await.is_ok() && !self.is_closed.load(Ordering::Acquire)
    }

    /// Wakes the `count` inserts that have waited longest. The worker wakes one for each
    /// evicted entry, so that inserts do not all compete for the room of one.
    pub(super) fn wake(&self, count: usize) {
        for _ in 0..count.min(self.count.load(Ordering::Acquire)) {
            self.waiting.notify_one();
        }
    }

    /// Ends all waits, now and later.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.waiting.notify_waiters();
    }
}
