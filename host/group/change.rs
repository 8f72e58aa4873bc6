//! Set, remove and clear on this node alone.
//!
//! None of them joins a load or waits for one. They interrupt running loads, so that
//! those do not store their results.

use std::time::Duration;

use bytes::Bytes;

use super::{Group, ttl};
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::store::NewEntry;
use crate::value::Ttl;

/// The outcome of a set on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// The key may have changed after the set's version. The latest change has this
    /// number.
    Overtaken {
        version: u64,
    },
    /// This node does not hold the key. Any value that it had is dropped.
    NotHolder,
}

impl Group {
    /// Refuses a set whose `ttl` or size this group never accepts.
    pub(super) fn check_set(&self, value: &Bytes, ttl: Ttl) -> Result<(), Error> {
        if let Ttl::For(ttl) = ttl {
            ttl::check("ttl", ttl)?;
        }
        let (bytes, limit) = (value.len() as u64, self.config.load().max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return Err(Error::TooLarge { bytes, limit, what });
        }
        Ok(())
    }

    /// Stores a value if this node holds the key and the key did not change after
    /// `version`. It replaces a cached value or a cached absence.
    pub(super) async fn set_here(
        &self,
        key: &str,
        value: Bytes,
        ttl: Ttl,
        version: u64,
    ) -> Result<Kept, Error> {
        self.check_set(&value, ttl).inspect_err(|refused| self.drop_for(refused, key))?;
        let store = &self.parts.store;
        let hash = store.hash(key);
        let ring_hash = key::ring_hash(key);
        let ownership = &self.parts.ownership;
        if !ownership.holds(ring_hash) {
            self.remove_here(key);
            return Ok(Kept::NotHolder);
        }
        let room = self.room(key.len(), value.len()).await;
        let room = room.inspect_err(|refused| self.drop_for(refused, key))?;
        let ttl = match ttl {
            Ttl::OfGroup => self.default_ttl(),
            Ttl::NoLimit => None,
            Ttl::For(ttl) => Some(ttl),
        };
        let deadline_ms = ttl::deadline_ms(self.parts.clock.now_ms(), ttl);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        // 1. A load reads the old value from the source. 2. This set stores the new
        // one. 3. The load ends, and would overwrite it with the old one.
        let kept = self.change(key, hash, || {
            // 1. This set is delayed on its way, or waits for room. 2. Its caller gives
            // up, and removes the key through another node. 3. Without this check the set
            // would bring the removed value back.
            if self.changes.after(hash, version) && !flaw::is(Flaw::SetsWithoutFence) {
                return Kept::Overtaken { version: self.changes.latest() };
            }
            self.changes.note(hash, self.parts.clock.now_ms());
            // Checked under this lock. A loss of the key takes the lock before it drops
            // entries, so it is either seen here or drops this entry.
            if ownership.holds(ring_hash) {
                store.commit_set(room, key, hash, entry);
                Kept::Yes
            } else {
                store.remove(key, hash);
                Kept::NotHolder
            }
        });
        Ok(kept)
    }

    /// Drops the old value if a set is refused as too large, as memcached does: the
    /// caller wanted to replace it.
    fn drop_for(&self, refused: &Error, key: &str) {
        if let Error::TooLarge { .. } = refused {
            self.remove_here(key);
        }
    }

    /// Drops the entry of the key. After this has returned, no later get of this node
    /// returns a value that was loaded before. Returns whether a value was held.
    pub(super) fn remove_here(&self, key: &str) -> bool {
        let store = &self.parts.store;
        let hash = store.hash(key);
        self.change(key, hash, || {
            self.changes.note(hash, self.parts.clock.now_ms());
            store.remove(key, hash)
        })
    }

    /// Makes a change of the key: a load under way may not keep its value, and what is kept of
    /// the key outside the store is dropped.
    fn change<R>(&self, key: &str, hash: u64, change: impl FnOnce() -> R) -> R {
        let changed = match flaw::is(Flaw::FlightsSurviveChanges) {
            false => self.flights.interrupt(key, hash, change),
            true => change(),
        };
        self.inheritance.remove(key);
        self.copies.remove(key, hash);
        changed
    }

    /// Drops all entries of this node, so that no later get returns a value that was
    /// loaded before. Returns how many entries there were.
    pub fn clear_here(&self) -> u64 {
        self.changes.note_all(self.parts.clock.now_ms());
        let dropped = self.flights.interrupt_all(|| self.parts.store.clear());
        self.inheritance.clear();
        self.copies.clear();
        dropped
    }

    /// Stores a value of a previous owner if the key has no entry yet, this node holds
    /// the key, and `may_keep` returns true at that moment. Returns whether it was
    /// stored.
    pub(super) async fn adopt(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        may_keep: impl FnOnce() -> bool,
    ) -> bool {
        let store = &self.parts.store;
        let hash = store.hash(key);
        let Ok(room) = self.room(key.len(), value.len()).await else {
            return false;
        };
        let deadline_ms = ttl::deadline_ms(self.parts.clock.now_ms(), ttl);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        let ring_hash = key::ring_hash(key);
        // 1. This waits for room. 2. A removal of the key begins and ends. 3. Without a
        // second check the removed value would be stored.
        self.flights.interrupt(key, hash, || {
            let new = store.peek(key, hash).is_none();
            let keep = new && self.parts.ownership.holds(ring_hash) && may_keep();
            if keep {
                store.commit(room, key, hash, entry);
            }
            keep
        })
    }

    /// The group's own time to live, shortened at random.
    pub(super) fn default_ttl(&self) -> Option<Duration> {
        let config = self.config.load();
        let jitter = config.ttl_jitter_percent;
        config.ttl.map(|ttl| ttl::shortened(ttl, jitter, rand::random()))
    }
}
