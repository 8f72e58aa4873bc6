//! Collects expired entries in the background.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::Store;

/// Timers processed before the lock of a shard is released and taken again.
const SLICE: usize = 64;

/// The result of one call of [`Store::expire`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Number of dropped entries.
    pub entries: u64,
    /// When to call again on the store's clock. No remaining deadline is earlier. `None` if
    /// no entry has a deadline.
    pub next_ms: Option<u64>,
}

impl Store {
    /// Drops entries whose deadline has passed, or values
    /// [some time](Self::keep_expired) after that, and processes at most `limit` timers for
    /// that. The caller should call again at [`Expired::next_ms`], or earlier when
    /// [`next_deadline_changed`](Self::next_deadline_changed) resolves. If the limit was
    /// reached before all expired entries were dropped, `next_ms` is in the past.
    pub fn expire(&self, limit: usize) -> Expired {
        // This comes first. A deadline that is set later is then either seen by the loop
        // below, or is earlier than this value, so that `announce` notifies the waiter.
        self.next_deadline_ms.store(u64::MAX, SeqCst);
        let now_ms = self.clock.now_ms();
        let keep_ms = self.keep_expired_ms.load(Relaxed);
        let mut left = limit;
        let mut entries = 0;
        let mut next_ms = u64::MAX;
        let mut gone = Vec::new();
        let turn = self.expiry_turn.fetch_add(1, SeqCst);
        for number in 0..self.shards.len() {
            let shard = &self.shards[(turn + number) & (self.shards.len() - 1)].0;
            let mut next = shard.read().next_deadline_ms();
            while left > 0 && next.is_some_and(|next| next <= now_ms) {
                let mut table = shard.write();
                left -= table.expire(now_ms, keep_ms, left.min(SLICE), &mut gone);
                next = table.next_deadline_ms();
                let call = table.wakes_worker();
                drop(table);
                entries += self.release(&mut gone);
                if call {
                    (self.wake)();
                }
            }
            next_ms = next_ms.min(next.unwrap_or(u64::MAX));
        }
        self.next_deadline_ms.fetch_min(next_ms, SeqCst);
        self.evictions.expired.fetch_add(entries, SeqCst);
        Expired { entries, next_ms: Some(next_ms).filter(|next_ms| *next_ms < u64::MAX) }
    }

    /// Resolves when an entry was inserted whose deadline is earlier than what
    /// [`expire`](Self::expire) last returned, even if that was before this call. Only one
    /// task may wait at a time.
    pub async fn next_deadline_changed(&self) {
        self.earlier_deadline.notified().await;
    }

    /// Notifies the waiter of a new deadline if it is the earliest.
    pub(super) fn announce(&self, deadline_ms: u64) {
        // A plain load first: most deadlines are later than one already known.
        if deadline_ms < self.next_deadline_ms.load(SeqCst)
            && deadline_ms < self.next_deadline_ms.fetch_min(deadline_ms, SeqCst)
        {
            self.earlier_deadline.notify_one();
        }
    }
}
