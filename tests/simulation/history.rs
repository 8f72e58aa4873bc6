//! What was changed when, what was confirmed, and so what a get must not answer any more.

use std::collections::BTreeMap;

use super::source::Found;

/// All keys' changes, counted in the order in which they happen.
#[derive(Default)]
pub(super) struct History {
    keys: BTreeMap<String, OfKey>,
    events: u64,
}

#[derive(Default)]
struct OfKey {
    /// By version, less one: when the table got it.
    written_ms: Vec<u64>,
    /// The event at which the call ended that set a version; 0: it has not.
    sets: BTreeMap<u64, u64>,
    confirmed: Vec<Confirmed>,
}

#[derive(Clone, Copy)]
struct Confirmed {
    version: u64,
    /// The event at which it began.
    began: u64,
    at_ms: u64,
}

/// A change that is under way.
#[derive(Clone, Debug)]
pub(super) struct Began {
    pub(super) key: String,
    pub(super) version: u64,
    event: u64,
}

/// A get that is under way: how many changes of its key had been confirmed when it began.
pub(super) struct Asked {
    confirmed: usize,
}

/// An answer that is too old.
pub(super) struct TooOld {
    /// What was confirmed before.
    pub(super) confirmed: u64,
    pub(super) at_ms: u64,
    /// When the table got something newer than what was answered.
    pub(super) superseded_ms: u64,
}

impl History {
    pub(super) fn latest(&self, key: &str) -> u64 {
        self.keys.get(key).map_or(0, |key| key.written_ms.len() as u64)
    }

    /// A change of `key` begins, in the table first.
    pub(super) fn begin(&mut self, key: &str, is_set: bool, now_ms: u64) -> Began {
        self.events += 1;
        let of_key = self.keys.entry(key.to_owned()).or_default();
        of_key.written_ms.push(now_ms);
        let version = of_key.written_ms.len() as u64;
        if is_set {
            of_key.sets.insert(version, 0);
        }
        Began { key: key.to_owned(), version, event: self.events }
    }

    /// The call of a change has ended, in whatever way.
    pub(super) fn end(&mut self, began: &Began, is_ok: bool, now_ms: u64) {
        self.events += 1;
        let of_key = self.keys.entry(began.key.clone()).or_default();
        if let Some(ended) = of_key.sets.get_mut(&began.version) {
            *ended = self.events;
        }
        if is_ok {
            let (version, began) = (began.version, began.event);
            of_key.confirmed.push(Confirmed { version, began, at_ms: now_ms });
        }
    }

    pub(super) fn ask(&self, key: &str) -> Asked {
        Asked { confirmed: self.keys.get(key).map_or(0, |key| key.confirmed.len()) }
    }

    /// Whether a get may not be answered so: what was confirmed before it began is newer,
    /// and began when the answer had been read, or set by a call that had ended.
    pub(super) fn judge(&self, key: &str, asked: &Asked, found: Found) -> Option<TooOld> {
        let of_key = self.keys.get(key)?;
        let is_newer = |confirmed: &&Confirmed| {
            let ended = of_key.sets.get(&found.version).filter(|_| found.was_set);
            let was_before = ended.is_none_or(|ended| *ended != 0 && *ended < confirmed.began);
            found.version < confirmed.version && was_before
        };
        let newer = of_key.confirmed[..asked.confirmed].iter().find(is_newer)?;
        let superseded_ms = of_key.written_ms[found.version as usize];
        Some(TooOld { confirmed: newer.version, at_ms: newer.at_ms, superseded_ms })
    }
}
