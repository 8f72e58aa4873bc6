//! Set, remove and clear on this node. None of them joins a load or waits for one: they take
//! away its permission to keep what it brings.

use std::time::Duration;

use bytes::Bytes;

use super::load::BRIEFLY;
use super::{Group, ttl};
use crate::error::Error;
use crate::store::NewEntry;

/// What became of a value that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// The key was changed later; the latest change has this number.
    Overtaken {
        seen: u64,
    },
}

impl Group {
    /// Puts a value in place of what is held of the key, the knowledge that there
    /// is none included, if the key was not changed after `seen`. `ttl`: `None` for
    /// the group's own.
    pub(super) async fn set_here(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
        seen: u64,
    ) -> Result<Kept, Error> {
        if let Some(ttl) = ttl {
            ttl::check("ttl", ttl)?;
        }
        let (bytes, limit) = (value.len() as u64, self.config.max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return Err(Error::TooLarge { bytes, limit, what });
        }
        let (store, standing) = (&self.parts.store, self.parts.cluster.standing());
        // A node that joins keeps nothing until the others tell it of changes.
        standing.settled().await;
        let room = self.room(key.len(), value.len()).await?;
        let ttl = ttl.or_else(|| self.default_ttl());
        let ttl = if standing.is_cut_off() {
            Some(ttl.map_or(BRIEFLY, |ttl| ttl.min(BRIEFLY)))
        } else {
            ttl
        };
        let deadline_ms = ttl::deadline_ms(self.parts.clock.now_ms(), ttl);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        let hash = store.hash(key);
        // 1. A load reads the old value from the source. 2. This puts the new one.
        // 3. The load ends, and would put the old one over it.
        let kept = self.flights.interrupt(key, hash, || {
            // 1. This is long on its way, or waits for room. 2. Its caller gives it
            // up, and removes the key through another node. 3. This would bring
            // back what was removed.
            if self.changed_lately.after(hash, seen) {
                return false;
            }
            self.changed_lately.insert(hash, self.parts.clock.now_ms());
            if standing.holds() {
                store.commit(room, key, hash, entry);
            }
            true
        });
        Ok(if kept { Kept::Yes } else { Kept::Overtaken { seen: self.changed_lately.latest() } })
    }

    /// Drops what is held of the key. Once this returned, no get that begins later
    /// is answered with what was loaded before. Answers whether something was held.
    pub(super) fn remove_here(&self, key: &str) -> bool {
        let store = &self.parts.store;
        let hash = store.hash(key);
        self.flights.interrupt(key, hash, || {
            self.changed_lately.insert(hash, self.parts.clock.now_ms());
            store.remove(key, hash)
        })
    }

    /// Drops everything that this node holds, so that no get that begins later is
    /// answered with what was loaded before. Answers how many entries there were.
    pub fn clear_here(&self) -> u64 {
        self.changed_lately.insert_all(self.parts.clock.now_ms());
        self.flights.interrupt_all(|| self.parts.store.clear())
    }

    /// Drops everything that this node holds, because others may have changed keys
    /// without telling it. Answers how many entries there were.
    pub fn forget_here(&self) -> u64 {
        self.changed_lately.missed_changes();
        self.flights.interrupt_all(|| self.parts.store.clear())
    }

    /// Keeps a value that another node held, unless it does not fit or there is
    /// something about the key already; tells whether it was kept.
    pub(super) async fn adopt(
        &self,
        key: &str,
        hash: u64,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> bool {
        let store = &self.parts.store;
        let Ok(room) = self.room(key.len(), value.len()).await else {
            return false;
        };
        let now_ms = self.parts.clock.now_ms();
        let deadline_ms = ttl::deadline_ms(now_ms, ttl);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        // 1. This waits for room. 2. A removal comes and goes. Without a second
        // look, what it removed would be kept.
        self.flights.interrupt(key, hash, || {
            let new = store.peek(key, hash).is_none();
            let told = self.parts.cluster.standing().holds();
            let keep = new && told && !self.changed_lately.contains(hash, now_ms);
            if keep {
                store.commit(room, key, hash, entry);
            }
            keep
        })
    }

    /// The group's own time to live, shortened at random.
    pub(super) fn default_ttl(&self) -> Option<Duration> {
        let jitter = self.config.ttl_jitter_percent;
        self.config.ttl.map(|ttl| ttl::shortened(ttl, jitter, rand::random()))
    }
}
