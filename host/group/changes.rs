//! The changes of keys, by number and time: they reject stale sets (rule 6) and outdated
//! values of a previous owner (rule 9).
//!
//! Keys are identified by their hash. Each shard knows its last few thousand changes one
//! by one. Of older changes it knows only the newest number and time, so any other key
//! may have changed up to then. This costs a retry of a set, or a load.

use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;

use crate::flaw::{self, Flaw};
use crate::sync::Mutex;

/// Selected by the key's hash, so that changes of different keys rarely contend.
const SHARDS: usize = 16;

/// A shard knows at least this many changes one by one, and at most twice as many.
const KNOWN: usize = 4_096;

/// The low bits of a number count changes. The high bits are random for each process, so
/// that a number of the previous process at this address is recognised.
const COUNT_BITS: u32 = 40;

/// Numbers and times of changes.
pub(super) struct Changes {
    latest: AtomicU64,
    /// The number of the last gain of keys. Sets with an older number are refused.
    gained: AtomicU64,
    /// The last change of all keys.
    cleared: Mutex<Change>,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    newer: HashMap<u64, Change>,
    older: HashMap<u64, Change>,
    /// The newest number and time of the changes that are not known one by one.
    forgotten: Change,
}

#[derive(Clone, Copy, Default)]
struct Change {
    number: u64,
    at_ms: u64,
}

impl Changes {
    pub(super) fn new() -> Self {
        let process = rand::random::<u64>() << COUNT_BITS;
        Self {
            latest: AtomicU64::new(process),
            gained: AtomicU64::new(0),
            cleared: Mutex::default(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Records a change at `now_ms` of the key with this hash. The caller serialises the
    /// changes of one key.
    pub(super) fn note(&self, hash: u64, now_ms: u64) {
        let change = Change { number: self.next(), at_ms: now_ms };
        let mut shard = self.shard(hash).lock();
        shard.newer.insert(hash, change);
        if shard.newer.len() >= KNOWN {
            let newer = std::mem::take(&mut shard.newer);
            let older = std::mem::replace(&mut shard.older, newer);
            for change in older.into_values() {
                shard.forgotten = shard.forgotten.max(change);
            }
        }
    }

    /// Records a change of all keys.
    pub(super) fn note_all(&self, now_ms: u64) {
        let change = Change { number: self.next(), at_ms: now_ms };
        let mut cleared = self.cleared.lock();
        *cleared = cleared.max(change);
    }

    /// Records that this node gained keys. A set that was sent earlier is refused,
    /// because its key may have changed under another owner.
    pub(super) fn note_gain(&self) {
        if flaw::is(Flaw::GainIsNoChange) {
            return;
        }
        let number = self.next();
        self.gained.fetch_max(number, Ordering::AcqRel);
    }

    /// The number of the latest change of any key.
    pub(super) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    /// Whether the key may have changed after the change with the number `version`.
    pub(super) fn after(&self, hash: u64, version: u64) -> bool {
        let of_another_process = version >> COUNT_BITS != self.latest() >> COUNT_BITS;
        of_another_process
            || self.gained.load(Ordering::Acquire) > version
            || self.last(hash, |change| change.number > version)
    }

    /// Whether the key may have changed at `since_ms` or later.
    pub(super) fn since(&self, hash: u64, since_ms: u64) -> bool {
        self.last(hash, |change| change.number > 0 && change.at_ms >= since_ms)
            && !flaw::is(Flaw::HeirDoesNotMindChanges)
    }

    fn last(&self, hash: u64, is_late: impl Fn(Change) -> bool) -> bool {
        if is_late(*self.cleared.lock()) {
            return true;
        }
        let shard = self.shard(hash).lock();
        let known = shard.newer.get(&hash).or_else(|| shard.older.get(&hash));
        is_late(known.copied().unwrap_or(shard.forgotten))
    }

    fn next(&self) -> u64 {
        self.latest.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }
}

impl Change {
    fn max(self, other: Self) -> Self {
        Self { number: self.number.max(other.number), at_ms: self.at_ms.max(other.at_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_what_came_after_it() {
        let changes = Changes::new();
        let before = changes.latest();
        assert!(!changes.after(5, before));
        changes.note(5, 1);
        assert!(changes.after(5, before) && !changes.after(6, before));
        assert!(!changes.after(5, changes.latest()));
        let between = changes.latest();
        changes.note_all(1);
        assert!(changes.after(5, between) && changes.after(6, between));
        assert!(changes.after(7, changes.latest() ^ 1 << COUNT_BITS), "of the process before");
    }

    #[test]
    fn a_gain_is_a_change_to_sets_and_not_to_what_is_handed_over() {
        let changes = Changes::new();
        let before = changes.latest();
        changes.note_gain();
        assert!(changes.after(5, before) && !changes.since(5, 0));
        assert!(!changes.after(5, changes.latest()));
    }

    #[test]
    fn a_time_tells_what_came_since() {
        let changes = Changes::new();
        assert!(!changes.since(5, 0));
        changes.note(5, 7);
        assert!(changes.since(5, 7) && !changes.since(5, 8) && !changes.since(6, 0));
        changes.note_all(9);
        assert!(changes.since(6, 9) && !changes.since(6, 10));
    }

    #[test]
    fn what_is_not_known_one_by_one_may_have_changed() {
        let changes = Changes::new();
        let before = changes.latest();
        // All in one shard.
        for hash in 0..3 * KNOWN as u64 {
            changes.note(hash, hash);
        }
        let forgotten = KNOWN as u64 / 2;
        assert!(changes.after(forgotten, before) && changes.since(forgotten, 0));
        assert!(changes.since(u64::from(u32::MAX), forgotten), "it never changed, for all we know");
        assert!(!changes.since(u64::from(u32::MAX), 3 * KNOWN as u64));
        let held = changes.shards.iter().map(|shard| {
            let shard = shard.lock();
            shard.newer.len() + shard.older.len()
        });
        assert!(held.sum::<usize>() <= 2 * KNOWN);
    }
}
