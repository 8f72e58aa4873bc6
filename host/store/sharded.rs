//! The store itself: keys spread over shards, each with its own lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::budget::{Budget, Config};
use super::entry::{Entry, Found};
use super::record::Record;
use super::shard::{Numbering, Shard, Table};
use crate::clock::Clock;
use crate::key::LocalHasher;

/// Entries of one group.
pub struct Store {
    hasher: LocalHasher,
    /// A power of two of them, chosen by the low bits of a hash.
    pub(super) shards: Box<[Shard]>,
    /// Slots of each shard.
    pub(super) shard_limit: u32,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    /// Calls the policy's worker; never with a lock of the store held. A commit may
    /// run inside the lock of a flight, so this must neither wait nor load.
    pub(super) wake: Box<dyn Fn() + Send + Sync>,
    pub(super) evictions: Counters,
    /// Slots that a new policy has to be told of before all else, in order. Each
    /// is dirty and on no shard's list. Locked before a shard, never after.
    pub(super) resync_order: Mutex<VecDeque<u32>>,
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
    const DEFERRED_BYTES: u64 = 8 << 10;

    /// An empty store. `wake` is called, from any thread and without a lock held,
    /// when the policy's worker has something to do.
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
        let deferred_bytes = Self::deferred_bytes(config.capacity_bytes, bits);
        Self::with_shards(&config, clock, wake, bits, shard_limit, deferred_bytes)
    }

    pub(super) fn deferred_bytes(capacity_bytes: u64, shard_bits: u32) -> u64 {
        Self::DEFERRED_BYTES.min(capacity_bytes >> shard_bits >> 6)
    }

    /// An empty store of `1 << bits` shards, each with `shard_limit` slots and at most
    /// `deferred_bytes` that wait to be freed.
    pub(super) fn with_shards(
        config: &Config,
        clock: Clock,
        wake: Box<dyn Fn() + Send + Sync>,
        bits: u32,
        shard_limit: u32,
        deferred_bytes: u64,
    ) -> Arc<Self> {
        let shard = |shard| {
            let table = Table::new(Numbering { shard, bits }, shard_limit, deferred_bytes);
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
            resync_order: Mutex::default(),
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

    /// Drops the entry of `key`. Answers whether there was a live one.
    pub fn remove(&self, key: &str, hash: u64) -> bool {
        let mut table = self.shard(hash).0.write();
        let Some(slot) = table.find(key.as_bytes(), kept(hash)) else {
            return false;
        };
        let was_alive = table.arena.at(slot).is_alive(|| self.clock.now_ms());
        let record = table.remove(slot);
        let call = table.wakes_worker();
        drop(table);
        let reason = if was_alive { &self.evictions.removed } else { &self.evictions.expired };
        reason.fetch_add(1, Relaxed);
        self.release_each([record]);
        if call {
            (self.wake)();
        }
        was_alive
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

    pub(super) fn shard(&self, hash: u64) -> &Shard {
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

    pub(super) fn release_each(&self, gone: impl IntoIterator<Item = Record>) -> u64 {
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
pub(super) fn kept(hash: u64) -> u32 {
    (hash >> 32) as u32
}
