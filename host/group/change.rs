//! Set, remove and clear. None of them joins a load or waits for one: they take
//! away its permission to keep what it brings.

use std::time::Duration;

use bytes::Bytes;

use super::{Group, ttl};
use crate::error::Error;
use crate::key;
use crate::store::NewEntry;

impl Group {
    /// Puts a value in place of what is held of the key, the knowledge that there
    /// is none included. `ttl`: `None` for the group's own.
    ///
    /// # Errors
    /// [`Error::InvalidKey`]; [`Error::InvalidArgument`] for a `ttl` of zero or
    /// beyond [`MAX_TTL`](super::MAX_TTL); [`Error::TooLarge`], and nothing was
    /// evicted; [`Error::Unavailable`] if no room came free. What was held stays.
    pub async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), Error> {
        key::parse(key.as_bytes())?;
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
        let entry = NewEntry {
            value: Some(value),
            deadline_ms,
            cost_us: 0,
        };
        let hash = store.hash(key);
        // 1. A load reads the old value from the source. 2. This puts the new one.
        // 3. The load ends, and would put the old one over it.
        self.flights
            .interrupt(key, hash, || store.commit(room, key, hash, entry));
        Ok(())
    }

    /// Drops what is held of the key. Once this returned, no get that begins later
    /// is answered with what was loaded before. Answers whether something was held.
    ///
    /// # Errors
    /// [`Error::InvalidKey`].
    pub async fn remove(&self, key: &str) -> Result<bool, Error> {
        key::parse(key.as_bytes())?;
        let store = &self.parts.store;
        let hash = store.hash(key);
        Ok(self
            .flights
            .interrupt(key, hash, || store.remove(key, hash)))
    }

    /// Drops everything that is held, as [`remove`](Self::remove) does of one key.
    /// Answers how many entries there were.
    ///
    /// # Errors
    /// None on a single node.
    pub async fn clear(&self) -> Result<u64, Error> {
        Ok(self.flights.interrupt_all(|| self.parts.store.clear()))
    }

    /// The group's own time to live, shortened at random.
    pub(super) fn default_ttl(&self) -> Option<Duration> {
        let jitter = self.config.ttl_jitter_percent;
        self.config
            .ttl
            .map(|ttl| ttl::shortened(ttl, jitter, rand::random()))
    }
}
