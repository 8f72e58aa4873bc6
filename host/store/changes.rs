//! Reports the changes of one shard to the policy, and checks the victims that it names.
//!
//! Changes are kept as flags of the slots and not as a queue of events. Events of a slot
//! between two drains merge into one difference between what the policy knows and what
//! the slot holds. So the pending work is bounded by the number of slots, even if the
//! worker does not drain for a long time.

use super::entry::Marks;
use super::record::Record;
use super::shard::Table;
use crate::policy::{Attributes, Batch};

/// The outcome for one victim.
#[derive(Debug)]
pub(super) enum Eviction {
    /// The entry was taken out.
    Dropped(Record),
    /// The slot has changed since the drain.
    Stale,
    /// The policy does not know the slot.
    Bogus,
}

impl Table {
    /// Reports up to `limit` changes, oldest first. Returns their number.
    pub(super) fn drain_changes(&mut self, batch: &mut Batch, limit: usize, now_ms: u64) -> usize {
        self.worker_came();
        let count = limit.min(self.changes.len());
        for _ in 0..count {
            if let Some(slot) = self.changes.pop_front() {
                self.report(slot, batch, now_ms);
            }
        }
        count
    }

    /// Reports the difference between what the policy knows of `slot` and what the slot
    /// holds. The caller must have taken the slot off the list that it was on.
    pub(super) fn report(&mut self, slot: u32, batch: &mut Batch, now_ms: u64) {
        let entry = self.arena.at_mut(slot);
        let resident = entry.marks.has(Marks::RESIDENT);
        if entry.marks.has(Marks::KNOWN) && (!resident || entry.marks.has(Marks::REUSED)) {
            batch.removed.push(self.numbering.slot(slot));
        }
        entry.marks.unset(Marks::KNOWN | Marks::DIRTY | Marks::REUSED);
        if !resident {
            return;
        }
        entry.marks.set(Marks::KNOWN);
        let left_ms =
            entry.record.deadline().ms().map_or(0, |at_ms| at_ms.saturating_sub(now_ms).max(1));
        let attributes = Attributes {
            weight: clamp(entry.record.weight()),
            cost_us: entry.record.cost().us(),
            ttl_ms: clamp(left_ms),
        };
        let hash = self.numbering.hash(entry.hash);
        batch.admit(self.numbering.slot(slot), hash, attributes);
    }

    /// Reports up to `limit` touches. A slot is repeated as often as it was hit. Touches of
    /// an entry that the policy does not know yet are kept for the next drain. Returns
    /// whether they fill half of the ring or more, so that the next drain should come soon.
    pub(super) fn drain_touches(&mut self, batch: &mut Batch, limit: usize) -> bool {
        let full = batch.touched.len() + limit;
        let mut early = Vec::new();
        for slot in self.touches.drain() {
            let entry = self.arena.at_mut(slot);
            if !entry.marks.has(Marks::RESIDENT) {
                continue;
            }
            if !entry.marks.has(Marks::KNOWN) || entry.marks.has(Marks::REUSED) {
                early.push(slot);
                continue;
            }
            let hits = entry.marks.take_hits() as usize;
            let hits = hits.min(full - batch.touched.len());
            batch.touched.extend(std::iter::repeat_n(self.numbering.slot(slot), hits));
        }
        for slot in &early {
            // The ring has room: all of these came out of it.
            self.touches.push(*slot);
        }
        early.len() * 2 >= self.touches.room()
    }

    /// Evicts the victim `slot`. The policy has forgotten it by choosing it, so the slot is
    /// marked unknown in any case.
    pub(super) fn evict(&mut self, slot: u32) -> Eviction {
        if slot >= self.arena.opened() {
            return Eviction::Bogus;
        }
        let marks = &mut self.arena.at_mut(slot).marks;
        let (known, dirty) = (marks.has(Marks::KNOWN), marks.has(Marks::DIRTY));
        marks.unset(Marks::KNOWN | Marks::REUSED);
        match (known, dirty) {
            (false, _) => Eviction::Bogus,
            (true, true) => Eviction::Stale,
            (true, false) => Eviction::Dropped(self.vacate(slot)),
        }
    }

    /// Marks all slots as unknown to the policy, and drops pending changes and touches. Calls
    /// `each` with the slot and the age of every entry, which are marked dirty. The caller
    /// must [report](Self::report) them.
    pub(super) fn forget_policy(&mut self, mut each: impl FnMut(u32, u32)) {
        self.changes.clear();
        drop(self.touches.drain());
        for slot in 0..self.arena.opened() {
            let entry = self.arena.at_mut(slot);
            entry.marks.take_hits();
            entry.marks.unset(Marks::KNOWN | Marks::DIRTY | Marks::REUSED);
            if entry.marks.has(Marks::RESIDENT) {
                entry.marks.set(Marks::DIRTY);
                each(self.numbering.slot(slot), entry.marks.age(self.epoch.now()));
            }
        }
    }
}

fn clamp(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
