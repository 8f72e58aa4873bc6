//! The node's own choice of who leaves: the oldest of a few, by coarse epochs.
//!
//! Exact recency would need a list, and each hit a write under a lock. Here a hit
//! stamps its entry with the epoch, and a hand that goes round looks at a few
//! entries and takes the one with the oldest stamp: CLOCK (F. J. Corbató, "A
//! Paging Experiment with the Multics System", 1969) with a sample in place of
//! one reference bit.

use super::entry::Marks;
use super::record::Record;
use super::shard::Table;

/// Entries compared for each eviction.
const SAMPLE: usize = 8;

/// Slots looked at for each eviction, vacant ones among them.
pub(super) const SCAN: u32 = 128;

impl Table {
    /// Takes out an entry that was not used lately. `None`: none was found in the
    /// next [`SCAN`] slots.
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
