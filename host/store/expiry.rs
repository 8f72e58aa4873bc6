//! Collecting what expired, without being asked for it.

use std::sync::atomic::Ordering::SeqCst;

use super::Store;

/// Timers moved under one hold of a shard's lock.
const SLICE: usize = 64;

/// What one slice of collecting did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Entries dropped.
    pub entries: u64,
    /// When to come again on the store's clock, at the latest: no deadline is
    /// before it. `None`: no entry has one.
    pub next_ms: Option<u64>,
}

impl Store {
    /// Drops entries whose deadline has passed, and moves at most `limit` timers
    /// for that. The caller comes again at [`Expired::next_ms`], which is in the
    /// past if the limit left something over, or when
    /// [`next_deadline_changed`](Self::next_deadline_changed).
    pub fn expire(&self, limit: usize) -> Expired {
        // First, so that a deadline set from here on is either seen below or
        // noticed to be earlier.
        self.next_deadline_ms.store(u64::MAX, SeqCst);
        let now_ms = self.clock.now_ms();
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
                left -= table.expire(now_ms, left.min(SLICE), &mut gone);
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

    /// Resolves when an entry came whose deadline is earlier than what
    /// [`expire`](Self::expire) last answered, also if it came before this was
    /// called. For one waiter.
    pub async fn next_deadline_changed(&self) {
        self.earlier_deadline.notified().await;
    }

    /// Tells the waiter of a new deadline if it is the earliest.
    pub(super) fn announce(&self, deadline_ms: u64) {
        // A plain load first: most deadlines are later than one already known.
        if deadline_ms < self.next_deadline_ms.load(SeqCst)
            && deadline_ms < self.next_deadline_ms.fetch_min(deadline_ms, SeqCst)
        {
            self.earlier_deadline.notify_one();
        }
    }
}
