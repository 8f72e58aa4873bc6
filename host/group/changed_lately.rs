//! Which keys were changed a moment ago, and in which order, remembered without
//! the keys.
//!
//! Keys that share a place are taken for each other. That costs a load from the
//! source where a previous owner would have had the value, or a second try of a set.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::cluster::{LONGEST_CHANGE, REMEMBERED};

/// How long "lately" is. A node that has left the ring is not told of changes but
/// looked up at as long as it is remembered, so it must be longer than that, by
/// more than a change on all nodes takes.
const LATELY_MS: u64 = REMEMBERED.saturating_add(LONGEST_CHANGE).as_millis() as u64;

const PLACES: usize = 1_024;

/// Low bits of a number count changes; the high ones are of this process alone, so
/// that what was heard from the one before it is not taken for news.
const COUNT_BITS: u32 = 40;

/// Times and numbers of changes by hash.
pub(super) struct ChangedLately {
    places: Box<[Place; PLACES]>,
    latest: AtomicU64,
}

#[derive(Default)]
struct Place {
    until_ms: AtomicU64,
    /// Of the last change here.
    number: AtomicU64,
}

impl ChangedLately {
    pub(super) fn new() -> Self {
        let process = rand::random::<u64>() << COUNT_BITS;
        Self {
            places: Box::new(std::array::from_fn(|_| Place::default())),
            latest: AtomicU64::new(process),
        }
    }

    /// A key with this hash changes at `now_ms`. Changes of one key come one after
    /// the other.
    pub(super) fn insert(&self, hash: u64, now_ms: u64) {
        let number = self.latest.fetch_add(1, Ordering::AcqRel) + 1;
        self.place(hash).note(number, now_ms);
    }

    /// All keys change.
    pub(super) fn insert_all(&self, now_ms: u64) {
        let number = self.latest.fetch_add(1, Ordering::AcqRel) + 1;
        self.places.iter().for_each(|place| place.note(number, now_ms));
    }

    /// Keys may have changed that this node was not told of: sets from before are to
    /// be refused. What other nodes hold was told to them, and may be had from there.
    pub(super) fn missed_changes(&self) {
        let number = self.latest.fetch_add(1, Ordering::AcqRel) + 1;
        for place in self.places.iter() {
            place.number.fetch_max(number, Ordering::AcqRel);
        }
    }

    /// Whether one may have changed lately.
    pub(super) fn contains(&self, hash: u64, now_ms: u64) -> bool {
        self.place(hash).until_ms.load(Ordering::Acquire) > now_ms
    }

    /// The number of the latest change of any key.
    pub(super) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    /// Whether the key may have changed after the one with the number `seen`.
    pub(super) fn after(&self, hash: u64, seen: u64) -> bool {
        let of_another_process = seen >> COUNT_BITS != self.latest() >> COUNT_BITS;
        of_another_process || self.place(hash).number.load(Ordering::Acquire) > seen
    }

    fn place(&self, hash: u64) -> &Place {
        &self.places[hash as usize % PLACES]
    }
}

impl Place {
    fn note(&self, number: u64, now_ms: u64) {
        self.until_ms.store(now_ms + LATELY_MS, Ordering::Release);
        self.number.fetch_max(number, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_and_forgets() {
        let lately = ChangedLately::new();
        assert!(!lately.contains(5, 1));
        lately.insert(5, 1);
        assert!(lately.contains(5, LATELY_MS) && !lately.contains(6, 1));
        assert!(!lately.contains(5, LATELY_MS + 1));
        lately.insert_all(1);
        assert!(lately.contains(6, 2));
    }

    #[test]
    fn it_tells_what_came_after() {
        let lately = ChangedLately::new();
        let before = lately.latest();
        assert!(!lately.after(5, before));
        lately.insert(5, 1);
        assert!(lately.after(5, before) && !lately.after(6, before));
        assert!(!lately.after(5, lately.latest()));
        let between = lately.latest();
        lately.insert_all(1);
        assert!(lately.after(5, between) && lately.after(6, between));
        assert!(lately.after(7, lately.latest() ^ 1 << COUNT_BITS), "of the process before");
        let lately = ChangedLately::new();
        let before = lately.latest();
        lately.missed_changes();
        assert!(lately.after(5, before) && !lately.contains(5, 1));
    }
}
