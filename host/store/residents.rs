//! The store's implementation of the worker's interface.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use super::Store;
use super::changes::Eviction;
use super::entry::Marks;
use super::recency::SCAN;
use super::record::Record;
use crate::policy::{Batch, Evicted, Keys, Residents};

/// Entries evicted by recency before the lock of a shard is released.
const RUN: usize = 8;

impl Keys for Store {
    fn key(&self, slot: u32) -> Option<String> {
        let (shard, local) = self.place(slot);
        let table = shard.0.read();
        if local >= table.arena.opened() {
            return None;
        }
        let entry = table.arena.at(local);
        if !entry.marks.has(Marks::RESIDENT) {
            return None;
        }
        String::from_utf8(entry.record.key().to_vec()).ok()
    }
}

impl Residents for Store {
    fn drain(&self, batch: &mut Batch, limit: usize) -> bool {
        let now_ms = self.clock.now_ms();
        let touches_before = batch.touched.len();
        // In a batch of their own: an entry that is changed after this is reported once more, and a
        // slot may come once in a batch.
        if self.drain_resync(batch, limit, now_ms) > 0 {
            return true;
        }
        let mut left = limit;
        let turn = self.drain_turn.load(Relaxed);
        let mut more = false;
        for number in 0..self.shards.len() {
            let next = (turn + number) & (self.shards.len() - 1);
            let mut table = self.shards[next].0.write();
            let touches_left = limit - (batch.touched.len() - touches_before);
            if left == 0 || touches_left == 0 {
                self.drain_turn.store(next, Relaxed);
                return true;
            }
            more |= table.drain_touches(batch, touches_left);
            left -= table.drain_changes(batch, left, now_ms);
            if !table.changes.is_empty() {
                self.drain_turn.store(next, Relaxed);
                return true;
            }
        }
        more
    }

    fn need(&self) -> u64 {
        self.budget.need()
    }

    fn evict(&self, victims: &[u32]) -> Evicted {
        let mut evicted = Evicted::default();
        let mut gone = Vec::with_capacity(victims.len());
        for &victim in victims {
            let (shard, local) = self.place(victim);
            // The lock is taken for each victim, so that a reader waits for one at most.
            let mut table = shard.0.write();
            match table.evict(local) {
                Eviction::Dropped(record) => {
                    let weight = record.weight();
                    evicted.entries += 1;
                    evicted.weight += weight;
                    gone.extend(table.deferred_frees.push(record, weight));
                }
                Eviction::Stale => evicted.stale += 1,
                Eviction::Bogus => evicted.bogus += 1,
            }
        }
        drop(gone);
        if evicted.entries > 0 {
            self.budget.give_back(evicted.weight, evicted.entries.into());
            self.evictions.policy.fetch_add(evicted.entries.into(), Relaxed);
        }
        self.budget.relieved();
        evicted
    }

    fn evict_by_recency(&self, limit: usize) -> usize {
        // After this many searches in a row without a find, the store is taken as empty.
        let round = (self.slot_bound() / SCAN) as usize + self.shards.len();
        let mut fruitless = 0;
        let mut count = 0;
        let mut gone: Vec<Record> = Vec::with_capacity(RUN);
        while count < limit && fruitless < round {
            let mut need = self.budget.need();
            if need == 0 {
                break;
            }
            let turn = self.recency_turn.fetch_add(1, Relaxed) & (self.shards.len() - 1);
            let mut table = self.shards[turn].0.write();
            while need > 0 && gone.len() < RUN.min(limit - count) {
                let Some(record) = table.evict_coldest() else {
                    break;
                };
                need = need.saturating_sub(record.weight());
                gone.push(record);
            }
            drop(table);
            fruitless = if gone.is_empty() { fruitless + 1 } else { 0 };
            count += self.release(&mut gone) as usize;
        }
        self.evictions.fallback.fetch_add(count as u64, Relaxed);
        self.budget.relieved();
        count
    }

    fn resync(&self, order: &[u32]) -> usize {
        let mut resync_order = self.resync_order.lock();
        resync_order.clear();
        let mut rest = Vec::new();
        let mut is_due = vec![false; self.slot_bound() as usize];
        for shard in &self.shards {
            shard.0.write().forget_policy(|slot, age| {
                rest.push((age, slot));
                is_due[slot as usize] = true;
            });
        }
        // Coldest first. The sort is stable, so entries of one age stay in slot order.
        rest.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
        let all = order.iter().copied().chain(rest.into_iter().map(|(_, slot)| slot));
        resync_order
            .extend(all.filter(|slot| is_due.get_mut(*slot as usize).is_some_and(std::mem::take)));
        resync_order.len()
    }
}

impl Store {
    /// Reports the next entries of `resync_order`, at most `limit`. Returns their number.
    fn drain_resync(&self, batch: &mut Batch, limit: usize, now_ms: u64) -> usize {
        let mut resync_order = self.resync_order.lock();
        let count = limit.min(resync_order.len());
        for slot in resync_order.drain(..count) {
            let (shard, local) = self.place(slot);
            shard.0.write().report(local, batch, now_ms);
        }
        if resync_order.is_empty() {
            *resync_order = VecDeque::new();
        }
        count
    }
}
