//! The entry of a slot: a pointer to its record, its hash and its marks in 24 bytes.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::record::Record;
use crate::value::Value;

/// A live entry, as returned to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value; `None` if the source is known to have no such key.
    pub value: Option<Value>,
    /// Milliseconds until the entry expires, from when it was looked up; `None` if it never does.
    pub left_ms: Option<u64>,
    /// Whether it may be loaded again before its deadline, see
    /// [`refresh_ahead`](super::Store::refresh_ahead).
    pub is_refreshed_ahead: bool,
}

/// An entry to insert.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The value; `None` if the source is known to have no such key.
    pub value: Option<Bytes>,
    /// When the entry expires on the store's clock; `None` if it never does. A deadline
    /// beyond 17 years of uptime is cut to 17 years.
    pub deadline_ms: Option<u64>,
    /// Microseconds that the load took; 0 if the value was set. Stored with 11 bits of
    /// precision.
    pub cost_us: u32,
}

/// A slot of a shard, and the entry in it if there is one.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    /// Hash of the key, cut to 32 bits. It determines the place in the index.
    pub(super) hash: u32,
    /// Atomic, because readers write it under a shared lock.
    pub(super) marks: Marks,
}

const _: () = assert!(size_of::<Entry>() == 24);

impl Entry {
    /// A slot that never held an entry.
    pub(super) const fn vacant() -> Self {
        Self { record: Record::Vacant, hash: 0, marks: Marks(AtomicU32::new(0)) }
    }

    /// The key of a resident entry.
    pub(super) fn key(&self) -> &str {
        // Keys are UTF-8 when they are inserted.
        std::str::from_utf8(self.record.key()).unwrap_or_default()
    }
}

/// The state of a slot in one word: flags (4 bits), the number of hits since the last drain
/// (4 bits), and the coarse epoch of the entry's last use (24 bits).
///
/// Flags change only under the shard's exclusive lock. Readers update the hits and the
/// epoch with relaxed loads and stores and may overwrite each other's updates, so both
/// numbers are estimates. The flags stay intact, because a reader writes back the flags
/// that it read and they cannot change meanwhile.
#[derive(Debug)]
pub(super) struct Marks(AtomicU32);

impl Marks {
    /// The slot holds an entry.
    pub(super) const RESIDENT: u32 = 1;
    /// The policy knows the slot.
    pub(super) const KNOWN: u32 = 2;
    /// The slot is queued to be reported to the policy.
    pub(super) const DIRTY: u32 = 4;
    /// The policy knows the slot with an earlier entry than the current one.
    pub(super) const REUSED: u32 = 8;

    const FLAGS: u32 = 0xf;

    /// Most hits that are counted between two drains. Further hits do not write to the
    /// entry, so its cache line stays shared between the cores.
    const MOST_HITS: u32 = 4;

    const HITS_AT: u32 = 4;
    const HITS: u32 = 0xf << Self::HITS_AT;
    const EPOCH_AT: u32 = 8;

    pub(super) fn has(&self, flags: u32) -> bool {
        self.0.load(Ordering::Relaxed) & flags == flags
    }

    pub(super) fn set(&mut self, flags: u32) {
        *self.0.get_mut() |= flags;
    }

    pub(super) fn unset(&mut self, flags: u32) {
        *self.0.get_mut() &= !flags;
    }

    /// Starts a new entry: no hits, and last used in `epoch`. Flags stay.
    pub(super) fn begin(&mut self, epoch: u32) {
        let marks = self.0.get_mut();
        *marks = epoch << Self::EPOCH_AT | *marks & Self::FLAGS;
    }

    /// Sets the epoch of the last use. Hits and flags stay.
    pub(super) fn renew(&mut self, epoch: u32) {
        let marks = self.0.get_mut();
        *marks = epoch << Self::EPOCH_AT | *marks & (Self::HITS | Self::FLAGS);
    }

    /// Counts a hit in `epoch`. For the first hit since the last drain it calls `announce`,
    /// and counts the hit only if that returns `true`.
    #[inline]
    pub(super) fn hit(&self, epoch: u32, announce: impl FnOnce() -> bool) {
        let old = self.0.load(Ordering::Relaxed);
        let hits = match (old & Self::HITS) >> Self::HITS_AT {
            0 => u32::from(announce()),
            hits => Self::MOST_HITS.min(hits + 1),
        };
        let new = epoch << Self::EPOCH_AT | hits << Self::HITS_AT | old & Self::FLAGS;
        if new != old {
            self.0.store(new, Ordering::Relaxed);
        }
    }

    /// Returns the number of hits and resets it to 0.
    pub(super) fn take_hits(&mut self) -> u32 {
        let marks = self.0.get_mut();
        let hits = (*marks & Self::HITS) >> Self::HITS_AT;
        *marks &= !Self::HITS;
        hits
    }

    /// Number of epochs since the last use.
    pub(super) fn age(&self, epoch: u32) -> u32 {
        let used = self.0.load(Ordering::Relaxed) >> Self::EPOCH_AT << Self::EPOCH_AT;
        (epoch << Self::EPOCH_AT).wrapping_sub(used) >> Self::EPOCH_AT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_count_up_to_a_limit_and_only_when_announced() {
        let mut marks = Entry::vacant().marks;
        marks.begin(7);
        marks.hit(7, || false);
        assert_eq!(marks.take_hits(), 0);
        marks.hit(8, || true);
        marks.hit(8, || unreachable!("it is announced already"));
        assert_eq!(marks.take_hits(), 2);
        for _ in 0..100 {
            marks.hit(9, || true);
        }
        assert_eq!(marks.take_hits(), Marks::MOST_HITS);
        assert_eq!(marks.age(12), 3);
    }

    #[test]
    fn an_age_survives_the_wrap_of_the_epoch() {
        let mut marks = Entry::vacant().marks;
        marks.begin((1 << 24) - 1);
        assert_eq!(marks.age(2), 3);
    }

    #[test]
    fn what_readers_note_leaves_the_flags_alone() {
        let mut marks = Entry::vacant().marks;
        marks.set(Marks::RESIDENT | Marks::REUSED);
        marks.begin(0xff_ffff);
        marks.hit(0xff_ffff, || true);
        assert!(marks.has(Marks::RESIDENT | Marks::REUSED) && !marks.has(Marks::KNOWN));
        marks.set(Marks::KNOWN);
        marks.renew(3);
        assert_eq!((marks.take_hits(), marks.age(3)), (1, 0));
        marks.unset(Marks::REUSED);
        assert!(marks.has(Marks::RESIDENT | Marks::KNOWN) && !marks.has(Marks::REUSED));
    }
}
