//! The store: keys distributed over shards, each with its own lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::budget::{Budget, StoreConfig};
use super::entry::{Entry, Found};
use super::record::Record;
use super::shard::{Numbering, Shard, Table};
use super::stats::{Evictions, Stats};
use super::tap::{AccessKind, Tap};
use crate::clock::Clock;
use crate::key::LocalHasher;
use crate::value::Value;

/// The entries of one group.
pub struct Store {
    hasher: LocalHasher,
    /// The low bits of a key's hash choose its shard, so their number is a power of two.
    pub(super) shards: Box<[Shard]>,
    /// Number of slots of each shard. Only [`Store::open_slots`] raises it.
    pub(super) shard_limit: AtomicU32,
    /// For how many entries there are slots enough.
    pub(super) entries_with_slots: AtomicU32,
    pub(super) budget: Budget,
    pub(super) clock: Clock,
    /// Wakes the policy's worker. It is never called with a lock of the store held. It must
    /// neither block nor load, because a commit may run under the lock of a flight.
    pub(super) wake: Box<dyn Fn() + Send + Sync>,
    pub(super) evictions: Counters,
    pub(super) tap: Tap,
    /// Slots to report to a new policy, in order, before any other change. Each is marked
    /// dirty and is on no shard's list of changes. This lock is taken before that of a
    /// shard, never after.
    pub(super) resync_order: Mutex<VecDeque<u32>>,
    /// The shards at which the next drain, the next eviction by recency and the next
    /// collection of expired entries begin.
    pub(super) drain_turn: AtomicUsize,
    pub(super) recency_turn: AtomicUsize,
    pub(super) expiry_turn: AtomicUsize,
    /// The earliest deadline that the collector knows; `u64::MAX` if there is none.
    pub(super) next_deadline_ms: AtomicU64,
    /// Notified when a new deadline is earlier than that.
    pub(super) earlier_deadline: Notify,
    /// See [`keep_expired`](Self::keep_expired).
    pub(super) keep_expired_ms: AtomicU64,
    /// See [`refresh_ahead`](Self::refresh_ahead).
    pub(super) refresh_ahead_ms: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) policy: AtomicU64,
    pub(super) fallback: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) removed: AtomicU64,
}

impl Store {
    /// Most shards of a store.
    pub(super) const MOST_SHARDS: usize = 64;

    /// Least number of entries of a shard. Each shard evicts in its own order, so a small
    /// store should have few shards.
    const SHARD_ENTRIES: u32 = 1024;

    /// Most bytes of deferred frees of a shard, or a 64th of its share of the capacity if
    /// that is less.
    const DEFERRED_BYTES: u64 = 8 << 10;

    /// An empty store. It calls `wake` when the policy's worker has something to do, from
    /// any thread and without holding a lock of its own.
    pub fn new(config: StoreConfig, clock: Clock, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = (config.entry_limit() / Self::SHARD_ENTRIES).max(1).ilog2();
        let bits = (cores * 4).next_power_of_two().min(Self::MOST_SHARDS).ilog2().min(most);
        let shard_limit = Self::shard_limit(config.entry_limit(), bits);
        let deferred_bytes = Self::deferred_bytes(config.capacity_bytes, bits);
        Self::with_shards(&config, clock, wake, bits, shard_limit, deferred_bytes)
    }

    /// Slots that each of `1 << bits` shards needs for `entries` in all.
    pub(super) fn shard_limit(entries: u32, bits: u32) -> u32 {
        if bits == 0 {
            return entries;
        }
        // Keys are distributed over the shards at random. No shard ever gets more entries
        // than the mean plus eight standard deviations.
        let mean = entries.div_ceil(1 << bits);
        mean + 8 * mean.isqrt() + 8
    }

    pub(super) fn deferred_bytes(capacity_bytes: u64, shard_bits: u32) -> u64 {
        Self::DEFERRED_BYTES.min(capacity_bytes >> shard_bits >> 6)
    }

    /// An empty store of `1 << bits` shards, each with `shard_limit` slots and at most
    /// `deferred_bytes` of deferred frees.
    pub(super) fn with_shards(
        config: &StoreConfig,
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
            shard_limit: shard_limit.into(),
            entries_with_slots: config.entry_limit().into(),
            budget: Budget::new(config),
            clock,
            wake,
            evictions: Counters::default(),
            tap: Tap::default(),
            resync_order: Mutex::default(),
            drain_turn: AtomicUsize::new(0),
            recency_turn: AtomicUsize::new(0),
            expiry_turn: AtomicUsize::new(0),
            next_deadline_ms: AtomicU64::new(u64::MAX),
            earlier_deadline: Notify::new(),
            keep_expired_ms: AtomicU64::new(0),
            refresh_ahead_ms: AtomicU64::new(0),
        })
    }

    /// Exclusive upper bound of the slots that a policy sees. With several shards it is a
    /// little larger than the number of entries that the store can hold.
    #[must_use]
    pub fn slot_bound(&self) -> u32 {
        self.shard_limit.load(Relaxed) * self.shards.len() as u32
    }

    /// The hash of a key, as the other methods expect it.
    #[must_use]
    pub fn hash(&self, key: &str) -> u64 {
        self.hasher.hash(key)
    }

    /// Returns the live entry of `key` and counts a use of it.
    #[must_use]
    pub fn get(&self, key: &str, hash: u64) -> Option<Found> {
        let table = self.shard(hash).0.read();
        let slot = table.find(key.as_bytes(), kept(hash))?;
        let mut call = false;
        let found = self.get_at(&table, slot, (key, hash), || self.clock.now_ms(), &mut call)?;
        drop(table);
        if call {
            (self.wake)();
        }
        Some(found)
    }

    /// [`get`](Self::get) of a key whose slot was found. Sets `call` if the caller must wake the
    /// worker when it has released the lock.
    #[inline]
    pub(super) fn get_at(
        &self,
        table: &Table,
        slot: u32,
        (key, hash): (&str, u64),
        now_ms: impl FnOnce() -> u64,
        call: &mut bool,
    ) -> Option<Found> {
        let found = found(table.arena.at(slot), now_ms)?;
        *call |= table.touch(slot);
        if self.tap.samples(kept(hash)) {
            self.tell(AccessKind::Hit, key, hash, Some(&table.arena.at(slot).record));
        }
        Some(found)
    }

    /// Returns the live entry of `key` without counting a use of it.
    #[must_use]
    pub fn peek(&self, key: &str, hash: u64) -> Option<Found> {
        let table = self.shard(hash).0.read();
        let slot = table.find(key.as_bytes(), kept(hash))?;
        found(table.arena.at(slot), || self.clock.now_ms())
    }

    /// Keeps values for so long after their deadline, unless their room is needed. Only
    /// [`expired`](Self::expired) returns them then.
    pub fn keep_expired(&self, ms: u64) {
        self.keep_expired_ms.store(ms, Relaxed);
    }

    /// Marks the values that are loaded from now on as ones that may be loaded again in the
    /// last `ms` before their deadline. A value that is kept for less than one and a half times
    /// that is not marked, so that it is not loaded all the time.
    pub fn refresh_ahead(&self, ms: u64) {
        self.refresh_ahead_ms.store(ms, Relaxed);
    }

    /// Returns the value of `key` that has expired and is kept still, and for how many
    /// milliseconds it has been expired.
    #[must_use]
    pub fn expired(&self, key: &str, hash: u64) -> Option<(Value, u64)> {
        let table = self.shard(hash).0.read();
        let record = &table.arena.at(table.find(key.as_bytes(), kept(hash))?).record;
        let (deadline_ms, now_ms) = (record.deadline().ms()?, self.clock.now_ms());
        let until_ms = record.collect_at_ms(self.keep_expired_ms.load(Relaxed))?;
        if now_ms >= until_ms {
            return None;
        }
        Some((record.value()?, now_ms.checked_sub(deadline_ms)?))
    }

    /// Drops the entry of `key`. Returns whether it held a live value, not a cached absence.
    pub fn remove(&self, key: &str, hash: u64) -> bool {
        let mut table = self.shard(hash).0.write();
        if self.tap.samples(kept(hash)) {
            self.tell(AccessKind::Removed, key, hash, None);
        }
        let Some(slot) = table.find(key.as_bytes(), kept(hash)) else {
            return false;
        };
        let entry = table.arena.at(slot);
        let was_alive = entry.is_alive(|| self.clock.now_ms());
        let had_value = was_alive && entry.record.has_value();
        let record = table.remove(slot);
        let call = table.wakes_worker();
        drop(table);
        let reason = if was_alive { &self.evictions.removed } else { &self.evictions.expired };
        reason.fetch_add(1, Relaxed);
        self.release_each([record]);
        if call {
            (self.wake)();
        }
        had_value
    }

    /// The current statistics.
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
        &self.shards[self.shard_number(hash)]
    }

    pub(super) fn shard_number(&self, hash: u64) -> usize {
        hash as usize & (self.shards.len() - 1)
    }

    /// The shard of a slot, and the number of the slot in that shard.
    pub(super) fn place(&self, slot: u32) -> (&Shard, u32) {
        let shard = slot as usize & (self.shards.len() - 1);
        (&self.shards[shard], slot >> self.shards.len().ilog2())
    }

    /// Frees entries that were taken out, and gives their room back to the budget. Returns
    /// their number. `gone` is empty afterwards but keeps its capacity.
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

/// What a reader gets of an entry, if it has not expired. `now_ms` is called only if it has a
/// deadline.
#[inline]
fn found(entry: &Entry, now_ms: impl FnOnce() -> u64) -> Option<Found> {
    let deadline = entry.record.deadline();
    let left_ms = match deadline.ms() {
        None => None,
        Some(at_ms) => Some(at_ms.checked_sub(now_ms()).filter(|left_ms| *left_ms > 0)?),
    };
    let is_refreshed_ahead = deadline.is_refreshed_ahead();
    Some(Found { value: entry.record.value(), left_ms, is_refreshed_ahead })
}

/// The bits of a hash that an entry stores. They do not overlap with the bits that chose
/// its shard.
pub(super) fn kept(hash: u64) -> u32 {
    (hash >> 32) as u32
}
