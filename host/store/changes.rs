//! What the policy has to be told of one shard.
//!
//! Not a queue of events but flags of each slot: what happened to a slot between
//! two drains folds into the difference between what the policy knows and what
//! is there. So the work that waits is bounded by the number of slots, however
//! long the worker is away.

use super::entry::Marks;
use super::record::Record;
use super::shard::Table;
use crate::policy::{Attributes, Batch};

/// What became of one victim.
#[derive(Debug)]
pub(super) enum Eviction {
    Dropped(Record),
    /// Its slot changed since the drain.
    Stale,
    /// The policy could not have it.
    Bogus,
}

impl Table {
    /// Tells up to `limit` changes in the order in which they came. Answers how
    /// many.
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

    /// Tells the difference between what the policy knows of `slot` and what is
    /// there. The slot must have been taken off the list that it was on.
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
        // The bits that chose the shard are not among those kept.
        let hash = u64::from(entry.hash) << self.numbering.bits | u64::from(self.numbering.shard);
        batch.admit(self.numbering.slot(slot), hash, attributes);
    }

    /// Tells up to `limit` touches, a slot as often as it was hit. Those of an
    /// entry that the policy has not heard of yet are kept for the next drain.
    /// Answers whether that should come soon, for the room that these take.
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
            // Never full: all of these came out of it.
            self.touches.push(*slot);
        }
        early.len() * 2 >= self.touches.room()
    }

    /// Applies the policy's choice of `slot`, which it has forgotten with that.
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

    /// The policy knows nothing any more: forgets what there was to tell, and
    /// gives all entries with their ages to `each`, in whose hands it is to have
    /// them [reported](Self::report).
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
