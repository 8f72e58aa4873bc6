//! Eviction by recency without a policy: the least recently used entry of a small sample.
//!
//! Exact recency would need a list that each hit updates under a lock. Here a hit stores
//! the current epoch in its entry. A hand advances over the slots, compares a few entries,
//! and evicts the one with the oldest epoch. This is CLOCK (F. J. Corbató, "A Paging
//! Experiment with the Multics System", 1969) with a sample instead of one reference bit.

use super::entry::Marks;
use super::record::Record;
use super::shard::Table;

/// Number of entries compared for each eviction.
const SAMPLE: usize = 8;

/// Most slots examined for each eviction, vacant ones included.
pub(super) const SCAN: u32 = 128;

impl Table {
    /// Takes out an entry that was not used lately. Returns `None` if the next [`SCAN`]
    /// slots hold no entry.
    pub(super) fn evict_coldest(&mut self) -> Option<Record> {
        if self.len() == 0 {
            return None;
        }
        let mut coldest = None;
        let mut sampled = 0;
        for _ in 0..SCAN.min(self.arena.opened()) {
            let slot = self.hand;
            self.hand = (self.hand + 1) % self.arena.opened();
            let entry = self.arena.at(slot);
            if !entry.marks.has(Marks::RESIDENT) {
                continue;
            }
            let age = entry.marks.age(self.epoch.now());
            if coldest.is_none_or(|(oldest, _)| age > oldest) {
                coldest = Some((age, slot));
            }
            sampled += 1;
            if sampled == SAMPLE {
                break;
            }
        }
        coldest.map(|(_, slot)| self.remove(slot))
    }
}
