//! One entry, packed: 24 bytes for everything that a shard knows of it.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;

use super::record::Record;
use crate::value::Value;

/// A live entry, as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `None`: the source is known to have no such key.
    pub value: Option<Value>,
    /// When it expires on the store's clock; `None`: never.
    pub deadline_ms: Option<u64>,
}

/// What is kept.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// `None`: the source is known to have no such key.
    pub value: Option<Bytes>,
    /// When it expires on the store's clock; `None`: never. Beyond 34 years of
    /// uptime it is taken as those 34 years.
    pub deadline_ms: Option<u64>,
    /// Microseconds that it took to load; 0 if it was set. Kept to 11 bits of
    /// precision.
    pub cost_us: u32,
}

/// A slot of a shard, and the entry in it if there is one.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    /// Decides on its place in the index; its key's, cut to 32 bits.
    pub(super) hash: u32,
    /// Written by readers under a shared lock, so it alone is atomic.
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
        // What came in was text.
        std::str::from_utf8(self.record.key()).unwrap_or_default()
    }
}

/// In one word: flags of what a slot holds and what the policy knows of it (4 bits), how
/// often the entry was hit since the policy was last told (4), and the coarse epoch of its
/// last use (24).
///
/// Flags change under the shard's exclusive lock only. Readers renew the rest with
/// relaxed loads and stores, and two of them may overwrite each other: both numbers
/// are estimates. No flag is lost by that, since all readers write the same ones.
#[derive(Debug)]
pub(super) struct Marks(AtomicU32);

impl Marks {
    /// There is an entry in the slot.
    pub(super) const RESIDENT: u32 = 1;
    /// The policy holds the slot.
    pub(super) const KNOWN: u32 = 2;
    /// In the list of changes that the policy has to be told.
    pub(super) const DIRTY: u32 = 4;
    /// The policy knows the slot by an earlier entry than the one in it.
    pub(super) const REUSED: u32 = 8;

    const FLAGS: u32 = 0xf;

    /// Hits beyond this many between two drains are not counted: a hot entry
    /// then is only read, so its cache line stays shared between the cores.
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

    /// Resets it to an entry used first in `epoch`.
    pub(super) fn begin(&mut self, epoch: u32) {
        let marks = self.0.get_mut();
        *marks = epoch << Self::EPOCH_AT | *marks & Self::FLAGS;
    }

    /// Stamps it with `epoch`, but leaves the hits.
    pub(super) fn renew(&mut self, epoch: u32) {
        let marks = self.0.get_mut();
        *marks = epoch << Self::EPOCH_AT | *marks & (Self::HITS | Self::FLAGS);
    }

    /// Counts a hit in `epoch`. `announce` is asked on the first one since the
    /// policy was told, and the hit counts only if it could be announced.
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

    /// Takes the number of hits since it was last asked.
    pub(super) fn take_hits(&mut self) -> u32 {
        let marks = self.0.get_mut();
        let hits = (*marks & Self::HITS) >> Self::HITS_AT;
        *marks &= !Self::HITS;
        hits
    }

    /// Epochs passed since the last use.
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
