//! One shard: an index from keys to slots, and the operations on one entry.

use std::collections::VecDeque;

use hashbrown::HashTable;
use parking_lot::RwLock;

use super::arena::Arena;
use super::deferred_frees::DeferredFrees;
use super::entry::{Entry, Marks};
use super::epoch::Epoch;
use super::record::Record;
use super::wheel::Wheel;
use crate::policy::TouchRing;

/// A table and its lock. They are aligned to two cache lines, because processors prefetch
/// lines in pairs. Readers hold the lock for up to 64 look-ups, writers for one change or a
/// bounded slice of changes. Entries are freed after the lock is released.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard(pub(super) RwLock<Table>);

/// Translates slots of a shard into slots of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbering {
    /// Number of the shard.
    pub(super) shard: u32,
    /// Number of bits that it takes.
    pub(super) bits: u32,
}

impl Numbering {
    pub(super) fn slot(self, local: u32) -> u32 {
        local << self.bits | self.shard
    }

    /// The hash of a key that policies see, from the part that its entry keeps: that lacks the
    /// bits that chose the shard, so they are appended.
    pub(super) fn hash(self, kept: u32) -> u64 {
        u64::from(kept) << self.bits | u64::from(self.shard)
    }
}

#[derive(Debug)]
pub(super) struct Table {
    index: HashTable<u32>,
    pub(super) arena: Arena,
    pub(super) numbering: Numbering,
    pub(super) epoch: Epoch,
    /// The slot at which the next search for a cold entry begins.
    pub(super) hand: u32,
    pub(super) touches: TouchRing,
    /// Slots with changes to report to the policy, oldest first, without duplicates.
    pub(super) changes: VecDeque<u32>,
    /// Whether the worker was woken for changes since it last drained them.
    called: bool,
    /// Made for the first entry with a deadline.
    wheel: Option<Box<Wheel>>,
    pub(super) deferred_frees: DeferredFrees,
}

/// Entries that a new one displaced.
#[derive(Debug, Default)]
pub(super) struct Displaced {
    /// The entry that had the same key.
    pub(super) overwritten: Option<Record>,
    /// An entry that was evicted because every slot of the shard was taken.
    pub(super) evicted: Option<Record>,
}

impl Table {
    /// Number of pending changes at which the worker is woken.
    pub(super) const CALL_AT: usize = 32;

    /// An empty table of at most `limit` entries and at most `deferred_bytes` of deferred
    /// frees.
    pub(super) fn new(numbering: Numbering, limit: u32, deferred_bytes: u64) -> Self {
        Self {
            index: HashTable::new(),
            arena: Arena::new(limit),
            numbering,
            epoch: Epoch::default(),
            hand: 0,
            // Touches reach the policy with a delay that grows with the ring, so a shard of
            // few entries has a small one.
            touches: TouchRing::new((limit as usize / 4).clamp(16, 256)),
            changes: VecDeque::new(),
            called: false,
            wheel: None,
            deferred_frees: DeferredFrees::new(deferred_bytes),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// The slot of `key`, even if its entry has expired.
    #[inline]
    pub(super) fn find(&self, key: &[u8], hash: u32) -> Option<u32> {
        let is_it = |slot: &u32| {
            let entry = self.arena.at(*slot);
            entry.hash == hash && entry.record.key() == key
        };
        self.index.find(spread(hash), is_it).copied()
    }

    /// The slot of `key`, if `likely` is what [`find_likely`](Self::find_likely) found.
    #[inline]
    pub(super) fn find_from(&self, likely: u32, key: &[u8], hash: u32) -> Option<u32> {
        let is_it = self.arena.at(likely).record.key() == key;
        if is_it { Some(likely) } else { self.find(key, hash) }
    }

    /// The slot of an entry with this hash. The key is not compared, so it may be another key's,
    /// which is rare. The record is not read. `None`: there is no entry of such a key.
    #[inline]
    pub(super) fn find_likely(&self, hash: u32) -> Option<u32> {
        self.index.find(spread(hash), |slot| self.arena.at(*slot).hash == hash).copied()
    }

    /// Records a hit. Returns whether the caller must wake the worker.
    #[inline]
    pub(super) fn touch(&self, slot: u32) -> bool {
        let mut call = false;
        self.arena.at(slot).marks.hit(self.epoch.now(), || {
            let waiting = self.touches.push(slot);
            call = waiting.is_some_and(|waiting| waiting == self.touches.room() / 2);
            waiting.is_some()
        });
        call
    }

    /// Inserts an entry, to be collected at `collect_at_ms`. It replaces one with the same
    /// key.
    pub(super) fn put(
        &mut self,
        hash: u32,
        record: Record,
        collect_at_ms: Option<u64>,
    ) -> Displaced {
        let mut displaced = Displaced::default();
        let slot = if let Some(slot) = self.find(record.key(), hash) {
            self.stop_timer(slot);
            let entry = self.arena.at_mut(slot);
            entry.marks.renew(self.epoch.now());
            displaced.overwritten = Some(std::mem::replace(&mut entry.record, record));
            slot
        } else {
            let slot = self.arena.take().unwrap_or_else(|| {
                displaced.evicted = self.evict_coldest();
                self.arena.take().expect("an entry was evicted from a full shard")
            });
            self.epoch.inserted(self.index.len());
            let epoch = self.epoch.now();
            let entry = self.arena.at_mut(slot);
            entry.record = record;
            entry.hash = hash;
            entry.marks.begin(epoch);
            entry.marks.set(Marks::RESIDENT);
            if entry.marks.has(Marks::KNOWN) {
                entry.marks.set(Marks::REUSED);
            }
            let arena = &self.arena;
            self.index.insert_unique(spread(hash), slot, |slot| spread(arena.at(*slot).hash));
            slot
        };
        if let Some(at_ms) = collect_at_ms {
            self.wheel.get_or_insert_with(|| Box::new(Wheel::new())).set(slot, at_ms);
        }
        self.note(slot);
        displaced
    }

    /// Takes out the entry in `slot`, which must have one, and queues the change for the
    /// policy.
    pub(super) fn remove(&mut self, slot: u32) -> Record {
        let record = self.vacate(slot);
        self.note(slot);
        record
    }

    /// Takes out the entry in `slot`, which must have one. The caller must make sure that
    /// the policy learns of it.
    pub(super) fn vacate(&mut self, slot: u32) -> Record {
        self.stop_timer(slot);
        self.take_out(slot)
    }

    /// Like [`vacate`](Self::vacate), for a slot without a running timer.
    fn take_out(&mut self, slot: u32) -> Record {
        let entry = self.arena.at_mut(slot);
        debug_assert!(entry.marks.has(Marks::RESIDENT), "an empty slot has no record");
        entry.marks.unset(Marks::RESIDENT);
        let record = std::mem::replace(&mut entry.record, Record::Vacant);
        let hash = entry.hash;
        if let Ok(place) = self.index.find_entry(spread(hash), |other| *other == slot) {
            place.remove();
        }
        self.arena.give_back(slot);
        record
    }

    /// Adds `slot` to the list of changes unless it is there already.
    fn note(&mut self, slot: u32) {
        let marks = &mut self.arena.at_mut(slot).marks;
        if !marks.has(Marks::DIRTY) {
            marks.set(Marks::DIRTY);
            self.changes.push_back(slot);
        }
    }

    /// Whether the caller must wake the worker for the pending changes. This is true at most
    /// once between two drains.
    pub(super) fn wakes_worker(&mut self) -> bool {
        let call = !self.called && self.changes.len() >= Self::CALL_AT;
        self.called |= call;
        call
    }

    /// Records that the worker drains the changes, so the next ones wake it again.
    pub(super) fn worker_came(&mut self) {
        self.called = false;
    }

    /// A lower bound of all deadlines; `None` if no entry has a deadline.
    pub(super) fn next_deadline_ms(&self) -> Option<u64> {
        self.wheel.as_ref()?.next_ms()
    }

    /// Processes up to `limit` timers and takes out the entries that are due. Returns the
    /// number of processed timers.
    pub(super) fn expire(
        &mut self,
        now_ms: u64,
        keep_expired_ms: u64,
        limit: usize,
        gone: &mut Vec<Record>,
    ) -> usize {
        for moved in 0..limit {
            let Some(wheel) = &mut self.wheel else {
                return moved;
            };
            let Some(slot) = wheel.pop(now_ms) else {
                return moved;
            };
            match self.arena.at(slot).record.collect_at_ms(keep_expired_ms) {
                Some(at_ms) if at_ms > now_ms => wheel.set(slot, at_ms),
                _ => {
                    gone.push(self.take_out(slot));
                    self.note(slot);
                }
            }
        }
        limit
    }

    fn stop_timer(&mut self, slot: u32) {
        if let (Some(_), Some(wheel)) =
            (self.arena.at(slot).record.deadline().ms(), &mut self.wheel)
        {
            wheel.cancel(slot);
        }
    }
}

impl Entry {
    /// Whether the entry has not expired. `now_ms` is called only if it has a deadline.
    #[inline]
    pub(super) fn is_alive(&self, now_ms: impl FnOnce() -> u64) -> bool {
        self.record.deadline().ms().is_none_or(|deadline_ms| deadline_ms > now_ms())
    }
}

/// The 64-bit hash for the index. The index uses the low bits to choose a bucket and the
/// high bits to compare entries, so both get the bits of `hash`.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::packed::{Cost, Deadline};

    #[test]
    fn a_shard_out_of_slots_gives_up_one_that_was_not_used_lately() {
        let mut table = Table::new(Numbering { shard: 0, bits: 0 }, 3, 0);
        let mut put = |key: &str, hash| {
            let record = Record::new(key, None, Deadline::NEVER, Cost::new(0));
            table.put(hash, record, None).evicted
        };
        assert!(["a", "b", "c"].iter().zip(0..).all(|(key, hash)| put(key, hash).is_none()));
        let evicted = put("d", 3).expect("there are three slots");
        assert_eq!(evicted.key(), b"a");
        assert!(table.find(b"a", 0).is_none() && table.find(b"d", 3).is_some());
        assert_eq!(table.len(), 3);
    }
}
