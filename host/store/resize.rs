//! Changes the limits of a store while it is in use.

use std::sync::atomic::Ordering::Relaxed;

use super::budget::StoreConfig;
use super::sharded::Store;

impl Store {
    /// Sets the limits, and wakes the worker to evict what is more. Until that has happened,
    /// more is held than the new limits allow, and every reservation is refused.
    ///
    /// More entries than there are slots for need [`open_slots`](Self::open_slots) too.
    /// Returns the [`slot_bound`](Self::slot_bound) that the store has after that.
    pub fn resize(&self, config: &StoreConfig) -> u32 {
        let entries = config.entry_limit();
        self.budget
            .resize(config.capacity_bytes, entries.min(self.entries_with_slots.load(Relaxed)));
        let bits = self.shards.len().ilog2();
        let deferred_bytes = Self::deferred_bytes(config.capacity_bytes, bits);
        for shard in &self.shards {
            shard.0.write().deferred_frees.limit(deferred_bytes);
        }
        (self.wake)();
        Self::shard_limit(entries, bits).max(self.shard_limit.load(Relaxed)) << bits
    }

    /// Whether no more is held than the limits allow.
    #[must_use]
    pub fn is_within_limits(&self) -> bool {
        self.budget.is_kept()
    }

    /// Opens the slots for as many entries as `config` allows. The policy must be configured
    /// for the slot bound that [`resize`](Self::resize) returned.
    pub fn open_slots(&self, config: &StoreConfig) {
        let entries = config.entry_limit();
        let limit = Self::shard_limit(entries, self.shards.len().ilog2());
        for shard in &self.shards {
            shard.0.write().arena.raise(limit);
        }
        self.shard_limit.fetch_max(limit, Relaxed);
        self.entries_with_slots.fetch_max(entries, Relaxed);
        self.budget.resize(config.capacity_bytes, entries);
    }
}
