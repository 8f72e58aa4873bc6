//! Set, remove and clear on this node. None of them joins a load or waits for one: they take
//! away its permission to keep what it brings.

use std::time::Duration;

use bytes::Bytes;

use super::{Group, ttl};
use crate::error::Error;
use crate::store::NewEntry;

impl Group {
    /// Puts a value in place of what is held of the key, the knowledge that there
    /// is none included. `ttl`: `None` for the group's own.
    pub(super) async fn set_here(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<(), Error> {
        if let Some(ttl) = ttl {
            ttl::check("ttl", ttl)?;
        }
        let (bytes, limit) = (value.len() as u64, self.config.max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return Err(Error::TooLarge { bytes, limit, what });
        }
        let store = &self.parts.store;
        let room = self.room(key.len(), value.len()).await?;
        let ttl = ttl.or_else(|| self.default_ttl());
        let deadline_ms = ttl::deadline_ms(self.parts.clock.now_ms(), ttl);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        let hash = store.hash(key);
        // 1. A load reads the old value from the source. 2. This puts the new one.
        // 3. The load ends, and would put the old one over it.
        self.removed_lately.insert(hash, self.parts.clock.now_ms());
        self.flights.interrupt(key, hash, || store.commit(room, key, hash, entry));
        Ok(())
    }

    /// Drops what is held of the key. Once this returned, no get that begins later
    /// is answered with what was loaded before. Answers whether something was held.
    pub(super) fn remove_here(&self, key: &str) -> bool {
        let store = &self.parts.store;
        let hash = store.hash(key);
        self.removed_lately.insert(hash, self.parts.clock.now_ms());
        self.flights.interrupt(key, hash, || store.remove(key, hash))
    }

    /// Drops everything that this node holds, so that no get that begins later is
    /// answered with what was loaded before. Answers how many entries there were.
    pub fn clear_here(&self) -> u64 {
        self.removed_lately.insert_all(self.parts.clock.now_ms());
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
            let keep = new && !self.removed_lately.contains(hash, now_ms);
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
