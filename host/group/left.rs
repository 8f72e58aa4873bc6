//! Values of keys that this node has lost, for the one node that took them over [rule 9].

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::Group;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::membership::view::Name;
use crate::ownership::{Giver, Holdings};
use crate::store::Held;
use crate::sync::Mutex;

/// What an entry takes here besides key and value.
const OVERHEAD: u64 = 96;

/// Entries by key, each for one registration, for a minute.
pub(super) struct Left {
    kept: Mutex<Kept>,
    most_bytes: u64,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Box<str>, Entry>,
    bytes: u64,
    /// When the last of them may be forgotten.
    until_ms: u64,
}

struct Entry {
    held: Held,
    heir: Name,
    until_ms: u64,
}

impl Left {
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { kept: Mutex::default(), most_bytes }
    }

    /// Keeps an entry for the registration `heir`. Answers whether there was room.
    fn keep(&self, held: Held, heir: Name, until_ms: u64) -> bool {
        let weight = weight(&held);
        let kept = &mut *self.kept.lock();
        if kept.bytes + weight > self.most_bytes {
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

    /// All that may be given still, each with its heir; nothing is kept.
    pub(super) fn give_all(&self, now_ms: u64) -> Vec<(Name, Held)> {
        let given = std::mem::take(&mut *self.kept.lock()).entries.into_values();
        let given = given.filter(|entry| entry.until_ms > now_ms);
        given.map(|entry| (entry.heir, entry.held)).collect()
    }

    /// The key was changed.
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

    /// Forgets what is over, and what this node owns again.
    fn tidy(&self, owned: &dyn Fn(u64) -> bool, now_ms: u64) {
        let kept = &mut *self.kept.lock();
        let mut freed = 0;
        kept.entries.retain(|name, entry| {
            let stays = entry.until_ms > now_ms && !owned(key::ring_hash(name));
            freed += if stays { 0 } else { weight(&entry.held) };
            stays
        });
        kept.bytes -= freed;
    }

    /// Forgets everything when the last of it is over.
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

impl Holdings for Group {
    fn rights_change(&self) {
        self.changes.note_gain();
        if !flaw::is(Flaw::FlightsSurviveLoss) {
            self.flights.interrupt_all(|| ());
        }
    }

    fn drop_lost(&self, owned: &dyn Fn(u64) -> bool, giver: &Giver) {
        if flaw::is(Flaw::LostEntriesStay) {
            return;
        }
        self.left.tidy(owned, self.parts.clock.now_ms());
        let mut refused = 0_u64;
        self.parts.store.retain(
            |name| owned(key::ring_hash(name)),
            |held| {
                if let Some((_, heir)) = giver.newcomer
                    && let Some(held) = held()
                {
                    refused += u64::from(!self.left.keep(held, heir, giver.until_ms));
                }
            },
        );
        self.counters.not_handed_over(refused);
        // Where there is no runtime there are no other nodes.
        if giver.newcomer.is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (left, clock) = (Arc::clone(&self.left), self.parts.clock.clone());
            let rest_ms = giver.until_ms.saturating_sub(clock.now_ms());
            runtime.spawn(async move {
                clock.sleep(Duration::from_millis(rest_ms)).await;
                left.expire(clock.now_ms());
            });
        }
    }

    fn forget(&self) -> u64 {
        if flaw::is(Flaw::MemorySurvivesStop) {
            return 0;
        }
        self.changes.note_gain();
        let dropped = self.flights.interrupt_all(|| self.parts.store.clear());
        self.left.clear();
        self.copies.clear();
        dropped
    }

    fn lent_until_ms(&self) -> u64 {
        self.lender.any_out_until_ms()
    }
}
