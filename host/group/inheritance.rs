//! Values of keys that this node has lost, kept for the one node that took them over
//! (rule 9).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hashbrown::HashMap;

use crate::flaw::{self, Flaw};
use crate::key;
use crate::membership::view::Name;
use crate::store::Held;
use crate::sync::Mutex;

/// Bytes of an entry besides its key and value.
const OVERHEAD: u64 = 96;

/// Entries by key. Each is kept for one registration, for a minute.
pub(super) struct Inheritance {
    kept: Mutex<Kept>,
    most_bytes: AtomicU64,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Box<str>, Entry>,
    bytes: u64,
    /// When the last of them expires.
    until_ms: u64,
}

struct Entry {
    held: Held,
    heir: Name,
    until_ms: u64,
}

impl Inheritance {
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { kept: Mutex::default(), most_bytes: most_bytes.into() }
    }

    /// Sets the limit for what is kept from now on.
    pub(super) fn limit(&self, most_bytes: u64) {
        self.most_bytes.store(most_bytes, Relaxed);
    }

    /// Keeps an entry for the registration `heir`. Returns whether there was room.
    pub(super) fn keep(&self, held: Held, heir: Name, until_ms: u64) -> bool {
        let weight = weight(&held);
        let kept = &mut *self.kept.lock();
        if kept.bytes + weight > self.most_bytes.load(Relaxed) {
            return false;
        }
        kept.bytes += weight;
        kept.until_ms = kept.until_ms.max(until_ms);
        let key = held.key.as_str().into();
        if let Some(replaced) = kept.entries.insert(key, Entry { held, heir, until_ms }) {
            kept.bytes -= self::weight(&replaced.held);
        }
        true
    }

    /// Gives the value of `key` to the registration `heir`, once.
    pub(super) fn give(&self, key: &str, heir: Name, now_ms: u64) -> Option<Held> {
        let kept = &mut *self.kept.lock();
        let is_for_it = kept.entries.get(key)?.heir == heir;
        let is_for_it = is_for_it || flaw::is(Flaw::GiverDoesNotMindWhoAsks);
        let entry = if is_for_it { kept.entries.remove(key)? } else { return None };
        kept.bytes -= weight(&entry.held);
        (entry.until_ms > now_ms).then_some(entry.held)
    }

    /// Removes all entries. Returns the entries that have not expired, each with its heir.
    pub(super) fn give_all(&self, now_ms: u64) -> Vec<(Name, Held)> {
        let given = std::mem::take(&mut *self.kept.lock()).entries.into_values();
        let given = given.filter(|entry| entry.until_ms > now_ms);
        given.map(|entry| (entry.heir, entry.held)).collect()
    }

    /// Drops the value of a key that was changed.
    pub(super) fn remove(&self, key: &str) {
        let kept = &mut *self.kept.lock();
        if let Some(entry) = kept.entries.remove(key) {
            kept.bytes -= weight(&entry.held);
        }
    }

    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut *self.kept.lock());
        drop(gone);
    }

    /// Drops expired entries, and those of keys that this node owns again.
    pub(super) fn tidy(&self, owned: &dyn Fn(u64) -> bool, now_ms: u64) {
        let kept = &mut *self.kept.lock();
        let mut freed = 0;
        kept.entries.retain(|name, entry| {
            let stays = entry.until_ms > now_ms && !owned(key::ring_hash(name));
            freed += if stays { 0 } else { weight(&entry.held) };
            stays
        });
        kept.bytes -= freed;
    }

    /// Drops everything once the last entry has expired.
    pub(super) fn expire(&self, now_ms: u64) {
        let kept = &mut *self.kept.lock();
        if kept.until_ms <= now_ms && !kept.entries.is_empty() {
            *kept = Kept::default();
        }
    }
}

fn weight(held: &Held) -> u64 {
    (held.key.len() + held.value.len()) as u64 + OVERHEAD
}
