//! Set, remove and clear on this node. None of them joins a load or waits for one: they
//! take away its permission to keep what it brings.

use std::time::Duration;

use bytes::Bytes;

use super::{Group, ttl};
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::store::NewEntry;

/// What became of a value that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// The key was changed later; the latest change has this number.
    Overtaken {
        version: u64,
    },
    /// This node does not hold the key. What it had of it is dropped.
    NotHolder,
}

impl Group {
    /// Refuses a value that this group never takes, whatever it holds now.
    pub(super) fn check_set(&self, value: &Bytes, ttl: Option<Duration>) -> Result<(), Error> {
        if let Some(ttl) = ttl {
            ttl::check("ttl", ttl)?;
        }
        let (bytes, limit) = (value.len() as u64, self.config.max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return Err(Error::TooLarge { bytes, limit, what });
        }
        Ok(())
    }

    /// Puts a value in place of what is held of the key, the knowledge that there
    /// is none included, if this node holds the key and it was not changed after `version`.
    /// `ttl`: `None` for the group's own.
    pub(super) async fn set_here(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
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
        let deadline_ms =
            ttl::deadline_ms(self.parts.clock.now_ms(), ttl.or_else(|| self.default_ttl()));
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        // 1. A load reads the old value from the source. 2. This puts the new one.
        // 3. The load ends, and would put the old one over it.
        let kept = self.interrupt(key, hash, || {
            // 1. This is long on its way, or waits for room. 2. Its caller gives it
            // up, and removes the key through another node. 3. This would bring
            // back what was removed.
            if self.changes.after(hash, version) && !flaw::is(Flaw::SetsWithoutFence) {
                return Kept::Overtaken { version: self.changes.latest() };
            }
            self.changes.note(hash, self.parts.clock.now_ms());
            // Under this lock, so that no loss of the key comes in between.
            if ownership.holds(ring_hash) {
                store.commit(room, key, hash, entry);
                Kept::Yes
            } else {
                store.remove(key, hash);
                Kept::NotHolder
            }
        });
        self.drop_remembered(key);
        Ok(kept)
    }

    /// Drops the older value where a set is refused because its value is too large: the
    /// caller wanted that one gone, as memcached takes it.
    fn drop_for(&self, refused: &Error, key: &str) {
        if let Error::TooLarge { .. } = refused {
            self.remove_here(key);
        }
    }

    /// Drops what is held of the key. Once this returned, no get of this node that begins
    /// later is answered with what was loaded before. Answers whether a value was held.
    pub(super) fn remove_here(&self, key: &str) -> bool {
        let store = &self.parts.store;
        let hash = store.hash(key);
        let existed = self.interrupt(key, hash, || {
            self.changes.note(hash, self.parts.clock.now_ms());
            // That the source has no such key is no value.
            let held = store.peek(key, hash).is_some_and(|found| found.value.is_some());
            store.remove(key, hash) && held
        });
        self.drop_remembered(key);
        existed
    }

    fn interrupt<R>(&self, key: &str, hash: u64, change: impl FnOnce() -> R) -> R {
        match flaw::is(Flaw::FlightsSurviveChanges) {
            false => self.flights.interrupt(key, hash, change),
            true => change(),
        }
    }

    /// Drops everything that this node holds, so that no get that begins later is
    /// answered with what was loaded before. Answers how many entries there were.
    pub fn clear_here(&self) -> u64 {
        self.changes.note_all(self.parts.clock.now_ms());
        let dropped = self.flights.interrupt_all(|| self.parts.store.clear());
        self.inheritance.clear();
        self.copies.clear();
        dropped
    }

    /// Keeps a value that another node held, if there is nothing about the key yet, this
    /// node holds it, and `may_keep` says so at that moment. Answers whether it was kept.
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
        // 1. This waits for room. 2. A removal comes and goes. Without a second
        // look, what it removed would be kept.
        self.flights.interrupt(key, hash, || {
            let new = store.peek(key, hash).is_none();
            let keep = new && self.parts.ownership.holds(ring_hash) && may_keep();
            if keep {
                store.commit(room, key, hash, entry);
            }
            keep
        })
    }

    /// What is remembered of the key beside the store goes too.
    fn drop_remembered(&self, key: &str) {
        self.inheritance.remove(key);
        self.copies.remove(key, self.parts.store.hash(key));
    }

    /// The group's own time to live, shortened at random.
    pub(super) fn default_ttl(&self) -> Option<Duration> {
        let jitter = self.config.ttl_jitter_percent;
        self.config.ttl.map(|ttl| ttl::shortened(ttl, jitter, rand::random()))
    }
}
