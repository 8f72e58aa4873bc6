//! Reserves room in the budget before an insert, so the bytes held never exceed the
//! capacity. The commit that follows can't fail.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::entry::NewEntry;
use super::packed::{Cost, Deadline};
use super::record::{self, Record};
use super::sharded::{Store, kept};
use super::tap::AccessKind;
use crate::error::Error;

/// Room reserved for an entry. Dropping it without a commit gives the room back.
#[must_use]
pub struct Reservation {
    store: Arc<Store>,
    /// Reserved bytes; 0 after a commit.
    weight: u64,
}

/// Why no room was reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The entry is larger than the whole capacity, so it never fits.
    TooLarge(Error),
    /// Something must be evicted first. The worker was woken, and its need covers this
    /// reservation. After it has made room, try again: another insert may take the room
    /// first.
    Full,
}

impl Store {
    /// Reserves room for an entry with a key and a value of these lengths.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub fn reserve(
        self: &Arc<Self>,
        key_len: usize,
        value_len: usize,
    ) -> Result<Reservation, NoRoom> {
        let weight = record::weight(key_len, value_len);
        let limit = self.budget.capacity_bytes();
        if weight > limit {
            let what = "the capacity of the group, of which an entry takes its key, its value \
                        and a fixed overhead; raise `capacity`";
            return Err(NoRoom::TooLarge(Error::TooLarge { bytes: weight, limit, what }));
        }
        match self.budget.take(weight) {
            Ok(call) => {
                if call {
                    (self.wake)();
                }
                Ok(Reservation { store: Arc::clone(self), weight })
            }
            Err(_full) => {
                (self.wake)();
                Err(NoRoom::Full)
            }
        }
    }

    /// Inserts an entry that was loaded in the room that was reserved for it. It replaces one
    /// with the same key.
    ///
    /// # Panics
    /// If key and value are longer than what was reserved.
    pub fn commit(&self, reservation: Reservation, key: &str, hash: u64, entry: NewEntry) {
        self.insert(reservation, key, hash, entry, AccessKind::Loaded);
    }

    /// The same for an entry that was set.
    ///
    /// # Panics
    /// If key and value are longer than what was reserved.
    pub fn commit_set(&self, reservation: Reservation, key: &str, hash: u64, entry: NewEntry) {
        self.insert(reservation, key, hash, entry, AccessKind::Set);
    }

    fn insert(
        &self,
        reservation: Reservation,
        key: &str,
        hash: u64,
        entry: NewEntry,
        kind: AccessKind,
    ) {
        let NewEntry { value, deadline_ms, cost_us } = entry;
        let mut deadline = Deadline::new(deadline_ms);
        let refresh_ahead_ms = self.refresh_ahead_ms.load(Relaxed);
        // A value that was set is its caller's until its deadline.
        if refresh_ahead_ms > 0
            && kind == AccessKind::Loaded
            && value.is_some()
            && deadline_ms.is_some_and(|at_ms| {
                at_ms.saturating_sub(self.clock.now_ms()) >= refresh_ahead_ms * 3 / 2
            })
        {
            deadline = deadline.refreshed_ahead();
        }
        let record = Record::new(key, value, deadline, Cost::new(cost_us));
        reservation.spend(record.weight());
        let collect_at_ms = record.collect_at_ms(self.keep_expired_ms.load(Relaxed));
        let mut table = self.shard(hash).0.write();
        if self.tap.samples(kept(hash)) {
            self.tell(kind, key, hash, Some(&record));
        }
        let displaced = table.put(kept(hash), record, collect_at_ms);
        let deferred = table.deferred_frees.pop();
        let call = table.wakes_worker();
        drop(table);
        if displaced.evicted.is_some() {
            self.evictions.fallback.fetch_add(1, Relaxed);
        }
        // Freed only now, after the lock of the shard was released.
        drop(deferred);
        self.release_each(displaced.overwritten.into_iter().chain(displaced.evicted));
        if let Some(at_ms) = collect_at_ms {
            self.announce(at_ms);
        }
        if call {
            (self.wake)();
        }
    }
}

impl Reservation {
    /// Transfers `weight` of the room to an entry, which gives it back later, and gives back
    /// the rest now.
    ///
    /// # Panics
    /// If the entry is larger than what was reserved.
    fn spend(mut self, weight: u64) {
        let spare = self.weight.checked_sub(weight).expect("an entry fits what was reserved");
        self.weight = 0;
        if spare > 0 {
            self.store.budget.give_back(spare, 0);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.weight > 0 {
            self.store.budget.give_back(self.weight, 1);
        }
    }
}
