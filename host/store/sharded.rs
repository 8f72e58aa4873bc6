//! The store itself: keys spread over shards, each with its own lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::budget::{Budget, Config};
use super::entry::{Cost, Deadline, Entry, Found, Marks, NewEntry};
use super::hottest::Held;
use super::record::Record;
use super::reservation::Reservation;
use super::shard::{Numbering, Shard, Table};
use crate::clock::Clock;
use crate::key::LocalHasher;

/// Slots cleared under one hold of a shard's lock.
const CLEAR_SLICE: u32 = 1024;

/// Entries of one group.
pub struct Store {
    hasher: LocalHasher,
    /// A power of two of them, chosen by the low bits of a hash.
    pub(super) shards: Box<[Shard]>,
    /// Slots of each shard.
    shard_limit: u32,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    /// Calls the policy's lane; never with a lock of the store held. A commit may
    /// run inside the lock of a flight, so this must neither wait nor load.
    pub(super) wake: Box<dyn Fn() + Send + Sync>,
    pub(super) evictions: Counters,
    /// Slots that a new policy has to be told of before all else, in order. Each
    /// is dirty and on no shard's list. Locked before a shard, never after.
    pub(super) readmitted: Mutex<VecDeque<u32>>,
    /// The shards at which the next drain, the next eviction and the next
    /// collection begin.
    pub(super) drain_turn: AtomicUsize,
    pub(super) recency_turn: AtomicUsize,
    pub(super) expiry_turn: AtomicUsize,
    /// The earliest deadline that the collector knows of; `u64::MAX`: none.
    pub(super) next_deadline_ms: AtomicU64,
    pub(super) earlier_deadline: Notify,
}

/// What a store holds, and what left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Entries held, inserts under way included.
    pub entries: u64,
    /// Bytes held, inserts under way included.
    pub bytes: u64,
    /// Most bytes that are ever held.
    pub capacity_bytes: u64,
    /// Most entries that are ever held.
    pub max_entries: u32,
    /// Entries that left, since the store was made.
    pub evictions: Evictions,
}

/// Entries that left, by reason; one that was overwritten is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evictions {
    /// The policy chose them.
    pub policy: u64,
    /// The node chose them by recency.
    pub fallback: u64,
    /// Their time was up.
    pub expired: u64,
    /// They were removed or cleared.
    pub removed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) policy: AtomicU64,
    pub(super) fallback: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) removed: AtomicU64,
}

impl Store {
    /// Entries of a shard at least, so that a small store has an order to evict
    /// by and not one a shard.
    const SHARD_ENTRIES: u32 = 1024;

    /// Most bytes that a shard leaves for inserts to free; a 64th of its share of the
    /// capacity where that is less.
    const LEFTOVERS: u64 = 8 << 10;

    /// An empty store. `wake` is called, from any thread and without a lock held,
    /// when the policy's lane has something to do.
    pub fn new(config: Config, clock: Clock, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = (config.entry_limit() / Self::SHARD_ENTRIES).max(1).ilog2();
        let bits = (cores * 4).next_power_of_two().min(64).ilog2().min(most);
        let shard_limit = match (config.entry_limit(), bits) {
            (limit, 0) => limit,
            (limit, bits) => {
                // Keys fall on shards at random; eight standard deviations more
                // than the mean is more than any shard ever gets.
                let mean = limit.div_ceil(1 << bits);
                mean + 8 * mean.isqrt() + 8
            }
        };
        let leftover_bytes = Self::leftover_bytes(config.capacity_bytes, bits);
        Self::with_shards(&config, clock, wake, bits, shard_limit, leftover_bytes)
    }

    pub(super) fn leftover_bytes(capacity_bytes: u64, shard_bits: u32) -> u64 {
        Self::LEFTOVERS.min(capacity_bytes >> shard_bits >> 6)
    }

    /// An empty store of `1 << bits` shards, each with `shard_limit` slots and at most
    /// `leftover_bytes` that wait to be freed.
    pub(super) fn with_shards(
        config: &Config,
        clock: Clock,
        wake: Box<dyn Fn() + Send + Sync>,
        bits: u32,
        shard_limit: u32,
        leftover_bytes: u64,
    ) -> Arc<Self> {
        let shard = |shard| {
            let table = Table::new(Numbering { shard, bits }, shard_limit, leftover_bytes);
            Shard(RwLock::new(table))
        };
        Arc::new(Self {
            hasher: LocalHasher::default(),
            shards: (0..1 << bits).map(shard).collect(),
            shard_limit,
            budget: Budget::new(config),
            clock,
            wake,
            evictions: Counters::default(),
            readmitted: Mutex::default(),
            drain_turn: AtomicUsize::new(0),
            recency_turn: AtomicUsize::new(0),
            expiry_turn: AtomicUsize::new(0),
            next_deadline_ms: AtomicU64::new(u64::MAX),
            earlier_deadline: Notify::new(),
        })
    }

    /// Exclusive upper bound of the slots that a policy will see: with several
    /// shards a little more than there can be entries.
    #[must_use]
    pub fn slot_bound(&self) -> u32 {
        self.shard_limit * self.shards.len() as u32
    }

    /// The hash of a key that the other methods ask for.
    #[must_use]
    pub fn hash(&self, key: &str) -> u64 {
        self.hasher.hash(key)
    }

    /// The live entry of `key`, and counts a use of it.
    #[must_use]
    pub fn get(&self, key: &str, hash: u64) -> Option<Found> {
        let table = self.shard(hash).0.read();
        let slot = table.find(key.as_bytes(), kept(hash))?;
        let found = self.found(table.arena.at(slot))?;
        let call = table.touch(slot);
        drop(table);
        if call {
            (self.wake)();
        }
        Some(found)
    }

    /// The live entry of `key`, without counting a use of it.
    #[must_use]
    pub fn peek(&self, key: &str, hash: u64) -> Option<Found> {
        let table = self.shard(hash).0.read();
        let slot = table.find(key.as_bytes(), kept(hash))?;
        self.found(table.arena.at(slot))
    }

    /// Keeps an entry in the room that was reserved for it, in place of one with
    /// the same key if there is one.
    ///
    /// # Panics
    /// Key and value are longer than what was reserved.
    pub fn commit(&self, reservation: Reservation, key: &str, hash: u64, entry: NewEntry) {
        let NewEntry { value, deadline_ms, cost_us } = entry;
        let deadline = Deadline::new(deadline_ms);
        let record = Record::new(key, value, deadline, Cost::new(cost_us));
        reservation.spend(record.weight());
        let mut table = self.shard(hash).0.write();
        let displaced = table.put(kept(hash), record);
        let leftover = table.leftovers.pop();
        let call = table.calls_lane();
        drop(table);
        if displaced.evicted.is_some() {
            self.evictions.fallback.fetch_add(1, Relaxed);
        }
        // To be freed only now that nobody waits for the shard.
        drop(leftover);
        self.release_each(displaced.overwritten.into_iter().chain(displaced.evicted));
        if let Some(deadline_ms) = deadline.ms() {
            self.announce(deadline_ms);
        }
        if call {
            (self.wake)();
        }
    }

    /// Drops the entry of `key`. Answers whether there was a live one.
    pub fn remove(&self, key: &str, hash: u64) -> bool {
        let mut table = self.shard(hash).0.write();
        let Some(slot) = table.find(key.as_bytes(), kept(hash)) else {
            return false;
        };
        let was_alive = table.arena.at(slot).is_alive(|| self.clock.now_ms());
        let record = table.remove(slot);
        let call = table.calls_lane();
        drop(table);
        let reason = if was_alive { &self.evictions.removed } else { &self.evictions.expired };
        reason.fetch_add(1, Relaxed);
        self.release_each([record]);
        if call {
            (self.wake)();
        }
        was_alive
    }

    /// Drops every entry that was there when this was called, and maybe some that
    /// came since. Answers how many.
    pub fn clear(&self) -> u64 {
        self.retain(|_| false, |_| ())
    }

    /// Drops the entries whose keys `keep` refuses, of those that were there when this
    /// was called and maybe some that came since. `dropped` may take what each holds, if
    /// it is alive and has a value. Both run inside the lock of a shard: they must be short and must not
    /// use the store. Answers how many were dropped.
    pub fn retain(
        &self,
        keep: impl Fn(&str) -> bool,
        mut dropped: impl FnMut(&dyn Fn() -> Option<Held>),
    ) -> u64 {
        let mut count = 0;
        let mut gone = Vec::new();
        for shard in &self.shards {
            for first in (0..self.shard_limit).step_by(CLEAR_SLICE as usize) {
                let mut table = shard.0.write();
                let leftovers = table.leftovers.take();
                let opened = table.arena.opened();
                for slot in first..opened.min(first + CLEAR_SLICE) {
                    let entry = table.arena.at(slot);
                    let is_resident = entry.marks.has(Marks::RESIDENT);
                    if !is_resident || keep(entry.key()) {
                        continue;
                    }
                    dropped(&|| self.held_in(entry));
                    gone.push(table.remove(slot));
                }
                let call = table.calls_lane();
                drop(table);
                drop(leftovers);
                count += self.release(&mut gone);
                if call {
                    (self.wake)();
                }
                if first + CLEAR_SLICE >= opened {
                    break;
                }
            }
        }
        self.evictions.removed.fetch_add(count, Relaxed);
        count
    }

    /// What it holds now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            entries: self.budget.entries(),
            bytes: self.budget.bytes(),
            capacity_bytes: self.budget.capacity_bytes(),
            max_entries: self.budget.max_entries(),
            evictions: Evictions {
                policy: self.evictions.policy.load(Relaxed),
                fallback: self.evictions.fallback.load(Relaxed),
                expired: self.evictions.expired.load(Relaxed),
                removed: self.evictions.removed.load(Relaxed),
            },
        }
    }

    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }

    /// The shard of a slot, and the slot's number in it.
    pub(super) fn place(&self, slot: u32) -> (&Shard, u32) {
        let shard = slot as usize & (self.shards.len() - 1);
        (&self.shards[shard], slot >> self.shards.len().ilog2())
    }

    fn found(&self, entry: &Entry) -> Option<Found> {
        let deadline_ms = entry.record.deadline().ms();
        let is_alive = deadline_ms.is_none_or(|deadline_ms| deadline_ms > self.clock.now_ms());
        is_alive.then(|| Found { value: entry.record.value(), deadline_ms })
    }

    /// Frees entries that were taken out, and the room that they held. Answers how
    /// many; `gone` keeps its memory.
    pub(super) fn release(&self, gone: &mut Vec<Record>) -> u64 {
        self.release_each(gone.drain(..))
    }

    fn release_each(&self, gone: impl IntoIterator<Item = Record>) -> u64 {
        let (mut weight, mut count) = (0, 0);
        for record in gone {
            weight += record.weight();
            count += 1;
        }
        if count > 0 {
            self.budget.give_back(weight, count);
        }
        count
    }
}

/// The bits of a hash that an entry keeps: others than those that chose its shard.
fn kept(hash: u64) -> u32 {
    (hash >> 32) as u32
}
