//! Inserts that wait for room at the hard capacity.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::sync::Mutex;

/// Who waits, in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Guards the queue; held for a push, a removal or one round of waking.
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// By ticket, so that who gives up can leave from the middle.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
    next_ticket: u64,
    closed: bool,
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    room: &'a Room,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.room.queue.lock().waiting.remove(&self.ticket);
    }
}

impl Room {
    /// Queues up, calls `queued`, and waits to be woken, but no longer than
    /// `limit`. Answers whether it was woken; at once `false` when the room is
    /// closed.
    pub(super) async fn wait(&self, limit: Duration, queued: impl FnOnce()) -> bool {
        let (waker, woken) = oneshot::channel();
        let _place = {
            let mut queue = self.queue.lock();
            if queue.closed {
                return false;
            }
            let ticket = queue.next_ticket;
            queue.next_ticket += 1;
            queue.waiting.insert(ticket, waker);
            Place { room: self, ticket }
        };
        queued();
        matches!(tokio::time::timeout(limit, woken).await, Ok(Ok(())))
    }

    /// Wakes the `count` that have waited longest: one for each entry that left,
    /// so that a single eviction does not send everybody to fight for it.
    pub(super) fn wake(&self, count: usize) {
        let mut queue = self.queue.lock();
        let mut left = count;
        while left > 0 {
            let Some((_, waker)) = queue.waiting.pop_first() else {
                return;
            };
            // Who has given up meanwhile uses no room.
            left -= usize::from(waker.send(()).is_ok());
        }
    }

    /// Sends everybody away, now and from now on.
    pub(super) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.waiting.clear();
    }
}
