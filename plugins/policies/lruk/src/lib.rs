//! LRU-K: the entry whose K-th last use lies furthest back leaves first.
//!
//! E. O'Neil, P. O'Neil, G. Weikum, "The LRU-K page replacement algorithm for database
//! disk buffering", SIGMOD 1993. Entries with fewer than K uses have no K-th last one:
//! they go before all others, the least recently used first. When an entry is evicted
//! its times of use are kept for a while, so that one that comes back soon is known;
//! correlated uses are not told apart (the paper's correlated reference period is 0).
//!
//! Options: `k` (2); `history` (1.0), how many evicted keys are remembered, as a share
//! of the resident entries.
//!
//! A use and an eviction are O(log n), the former nearly always O(1): see `coldest.rs`.
//! Bytes with k = 2: 17.7 an entry and 26 a remembered key, 44 an entry by default, and
//! 4 for its weight in the SDK. Each further k takes 8.

mod coldest;
mod times;

use coldest::Coldest;
use psycache_plugin::{Config, ConfigError, Entry, Ghosts, Policy, SlotArray, export_policy};
use times::{ABSENT, Times};

/// LRU-K.
#[derive(Debug)]
pub struct LruK {
    /// Of resident entries, by slot.
    uses: Times,
    /// Of evicted ones, by ghost.
    past_uses: Times,
    ghosts: Ghosts,
    hashes: SlotArray<u64>,
    coldest: Coldest,
    /// Uses so far; the time of the latest.
    clock: u32,
    resident: u32,
    history: f64,
}

impl LruK {
    fn tick(&mut self) -> u32 {
        if self.clock == ABSENT - 1 {
            self.clock = times::HALF;
            self.uses.age();
            self.past_uses.age();
            self.coldest.aged(&self.uses);
        }
        self.clock += 1;
        self.clock
    }

    fn forget(&mut self, slot: u32) {
        self.resident -= 1;
        self.uses.clear(slot);
        self.coldest.warmed(slot, &self.uses);
    }
}

impl Policy for LruK {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        let options = config.options();
        let k = options.parse("k", 2, 1..=16)?;
        let history = options.parse("history", 1.0, 0.0..=16.0)?;
        options.finish()?;
        let bound = config.max_entries;
        let remembered = (f64::from(bound) * history) as u32;
        Ok(Self {
            uses: Times::new(k, bound),
            past_uses: Times::new(k - 1, remembered.saturating_add(1)),
            ghosts: Ghosts::new(remembered.saturating_add(1)),
            hashes: SlotArray::new(bound, 0),
            coldest: Coldest::new(bound),
            clock: 0,
            resident: 0,
            history,
        })
    }

    fn touch(&mut self, slot: u32) {
        let now = self.tick();
        self.uses.record(slot, now);
        self.coldest.warmed(slot, &self.uses);
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        let now = self.tick();
        self.resident += 1;
        self.hashes.set(slot, entry.hash);
        match self.ghosts.find(entry.hash) {
            Some(ghost) => {
                self.uses.resume(slot, &self.past_uses, ghost);
                self.ghosts.remove(ghost);
            }
            None => self.uses.begin(slot),
        }
        self.uses.record(slot, now);
        self.coldest.came(slot, &self.uses);
    }

    fn remove(&mut self, slot: u32) {
        self.forget(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        let slot = self.coldest.get()?;
        let limit = f64::from(self.resident) * self.history;
        let ghost = self.ghosts.push(self.hashes.get(slot));
        self.past_uses.resume(ghost, &self.uses, slot);
        self.ghosts.trim(limit as u32);
        self.forget(slot);
        Some(slot)
    }
}

export_policy!(LruK);

#[cfg(test)]
mod tests;
