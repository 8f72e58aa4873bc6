//! Drops many entries at once: all, or those whose keys a filter refuses.

use std::sync::atomic::Ordering::Relaxed;

use super::entry::Marks;
use super::hottest::Held;
use super::sharded::Store;
use super::tap::AccessKind;

/// Slots examined before the lock of a shard is released and taken again.
const SLICE: u32 = 1024;

impl Store {
    /// Drops every entry that was present when this was called, and possibly some that were
    /// inserted since. Returns the number of dropped entries.
    pub fn clear(&self) -> u64 {
        let count = self.retain(|_| false, |_| ());
        self.tell_cleared();
        count
    }

    /// Drops the entries whose keys `keep` refuses: all that were present when this was
    /// called, and possibly some that were inserted since. `dropped` is called for each and
    /// can read its content, if it is alive and has a value. Both closures run under the
    /// lock of a shard, so they must be short and must not use the store. Returns the number
    /// of dropped entries.
    pub fn retain(
        &self,
        keep: impl Fn(&str) -> bool,
        mut dropped: impl FnMut(&dyn Fn() -> Option<Held>),
    ) -> u64 {
        let mut count = 0;
        let mut gone = Vec::new();
        for shard in &self.shards {
            for first in (0..self.shard_limit.load(Relaxed)).step_by(SLICE as usize) {
                let mut table = shard.0.write();
                let deferred_frees = table.deferred_frees.take();
                let opened = table.arena.opened();
                for slot in first..opened.min(first + SLICE) {
                    let entry = table.arena.at(slot);
                    let is_resident = entry.marks.has(Marks::RESIDENT);
                    if !is_resident || keep(entry.key()) {
                        continue;
                    }
                    dropped(&|| self.held_in(entry));
                    if self.tap.samples(entry.hash) {
                        let hashes = (entry.hash, table.numbering.hash(entry.hash));
                        self.tell_of(AccessKind::Removed, entry.key(), hashes, None);
                    }
                    gone.push(table.remove(slot));
                }
                let call = table.wakes_worker();
                drop(table);
                drop(deferred_frees);
                count += self.release(&mut gone);
                if call {
                    (self.wake)();
                }
                if first + SLICE >= opened {
                    break;
                }
            }
        }
        self.evictions.removed.fetch_add(count, Relaxed);
        count
    }
}
