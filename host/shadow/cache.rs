//! One policy and one capacity: a cache that is told what happened to keys, by their hashes.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::policy::{
    Attributes, Broken, Faults, Index, Keys, PolicyConfig, SharedPolicySource, SimulatedCache,
};
use crate::store::{Access, AccessKind};

/// Most victims of a step, as of a live policy.
const MAX_VICTIMS: u32 = 256;

/// What a cache may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) bytes: u64,
    pub(super) entries: u32,
}

impl Limits {
    /// The parameters of a policy for a cache of these limits.
    pub(super) fn config(self, options: &[(String, String)]) -> PolicyConfig {
        PolicyConfig {
            capacity: self.bytes,
            // A new entry gets its slot before its victim has released one.
            max_entries: self.entries.saturating_add(1),
            max_victims: MAX_VICTIMS,
            seed: 1,
            options: options.to_vec(),
        }
    }
}

/// A cache of one capacity under one policy.
pub(super) struct Cache(SimulatedCache<HashMap<u64, u32>>);

impl Cache {
    /// An empty cache.
    ///
    /// # Errors
    /// The policy refuses its configuration or fails.
    pub(super) fn new(
        source: &SharedPolicySource,
        options: &[(String, String)],
        limits: Limits,
    ) -> Result<Self, String> {
        let (config, keys) = (limits.config(options), Arc::new(NoKeys));
        SimulatedCache::new(source.as_ref(), &config, keys, HashMap::new(), Faults::Pass)
            .map(Self)
            .map_err(|failure| failure.to_string())
    }

    /// Does what happened. For a get, returns whether the key was there.
    ///
    /// # Errors
    /// The policy failed, and the cache can't be used any more.
    pub(super) fn access(&mut self, access: &Access, now_ms: u64) -> Result<Option<bool>, String> {
        self.apply(access, now_ms).map_err(|broken| broken.to_string())
    }

    fn apply(&mut self, access: &Access, now_ms: u64) -> Result<Option<bool>, Broken> {
        let cache = &mut self.0;
        cache.set_time(now_ms);
        cache.expire(now_ms)?;
        match access.kind {
            AccessKind::Hit | AccessKind::Miss => {
                let is_there = cache.get(access.hash)?;
                // The live cache knows what a load would bring. After its own miss it tells that
                // when the load has ended.
                if !is_there && access.kind == AccessKind::Hit {
                    self.admit(access, now_ms)?;
                }
                return Ok(Some(is_there));
            }
            // This cache would not have loaded it.
            AccessKind::Loaded if cache.contains(access.hash) => {}
            AccessKind::Loaded | AccessKind::Set => self.admit(access, now_ms)?,
            AccessKind::Removed => cache.remove(access.hash)?,
            AccessKind::Cleared => cache.clear()?,
        }
        Ok(None)
    }

    /// Number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Number of times at which something may expire.
    #[cfg(test)]
    pub(super) fn ends(&self) -> usize {
        self.0.ends()
    }

    /// Admits a new entry, or one in the place of another with the same key.
    fn admit(&mut self, access: &Access, now_ms: u64) -> Result<(), Broken> {
        let Access { hash, weight, cost_us, deadline_ms, .. } = *access;
        let ttl_ms = deadline_ms.map_or(0, |at_ms| at_ms.saturating_sub(now_ms).max(1));
        let ttl_ms = u32::try_from(ttl_ms).unwrap_or(u32::MAX);
        self.0.store(hash, Attributes { weight, cost_us, ttl_ms }, deadline_ms.unwrap_or(0))
    }
}

/// The slots of keys, by the keys' hashes.
impl Index for HashMap<u64, u32> {
    type Key = u64;

    fn slot(&self, hash: u64) -> Option<u32> {
        self.get(&hash).copied()
    }

    fn insert(&mut self, hash: u64, slot: u32) {
        HashMap::insert(self, hash, slot);
    }

    fn remove(&mut self, hash: u64) {
        HashMap::remove(self, &hash);
    }
}

/// A sample has no keys, only their hashes.
struct NoKeys;

impl Keys for NoKeys {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}
