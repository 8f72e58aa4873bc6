//! One policy and one capacity: a cache of keys without values.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::policy::{
    Attributes, Batch, Instance, Keys, PolicyConfig, PolicySource, SharedPolicySource,
};
use crate::store::{Access, AccessKind};

/// Touches or removals that wait before a step. Touches are applied before anything is admitted, so a run of
/// hits and the miss that ends it are one step, as exactly as one step each.
const EVENTS: usize = 64;

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

/// The content of a slot.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    /// 0: nothing is there.
    weight: u32,
    deadline_ms: Option<u64>,
}

/// A cache of one capacity under one policy.
pub(super) struct Cache {
    policy: Instance,
    limits: Limits,
    /// The slot of each resident key, by the key's hash.
    slots: HashMap<u64, u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// The deadlines of resident entries with their slots.
    deadlines: BTreeSet<(u64, u32)>,
    held: u64,
    batch: Batch,
    victims: Vec<u32>,
}

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
        let source: &dyn PolicySource = source.as_ref();
        let policy = Instance::new(source, &limits.config(options), Arc::new(NoKeys))
            .map_err(|failure| failure.to_string())?;
        Ok(Self {
            policy,
            limits,
            slots: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            deadlines: BTreeSet::new(),
            held: 0,
            batch: Batch::default(),
            victims: Vec::new(),
        })
    }

    /// Does what happened. For a get, returns whether the key was there.
    ///
    /// # Errors
    /// The policy failed, and the cache can't be used any more.
    pub(super) fn access(&mut self, access: &Access, now_ms: u64) -> Result<Option<bool>, String> {
        self.expire(now_ms)?;
        let slot = self.slots.get(&access.hash).copied();
        match (access.kind, slot) {
            (AccessKind::Hit | AccessKind::Miss, Some(slot)) => {
                self.batch.touched.push(slot);
                if self.batch.touched.len() >= EVENTS {
                    self.step(now_ms)?;
                }
                return Ok(Some(true));
            }
            (AccessKind::Hit, None) => {
                // The live cache knows what a load would bring.
                self.admit(access, now_ms)?;
                return Ok(Some(false));
            }
            // What the load brings is told when it has ended.
            (AccessKind::Miss, None) => return Ok(Some(false)),
            (AccessKind::Loaded, None) | (AccessKind::Set, _) => self.admit(access, now_ms)?,
            // This cache would not have loaded it.
            (AccessKind::Loaded, Some(_)) => {}
            (AccessKind::Removed, Some(slot)) => self.remove(slot, now_ms)?,
            (AccessKind::Removed, None) => {}
            (AccessKind::Cleared, _) => {
                for slot in self.slots.values().copied().collect::<Vec<_>>() {
                    self.remove(slot, now_ms)?;
                }
            }
        }
        Ok(None)
    }

    /// Number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Admits a new entry, or one in the place of another with the same key.
    fn admit(&mut self, access: &Access, now_ms: u64) -> Result<(), String> {
        let weight = access.weight.max(1);
        let old = self.slots.get(&access.hash).copied();
        if u64::from(weight) > self.limits.bytes {
            return old.map_or(Ok(()), |slot| self.remove(slot, now_ms));
        }
        let slot = old.or_else(|| self.free.pop()).unwrap_or_else(|| {
            self.entries.push(Entry { hash: 0, weight: 0, deadline_ms: None });
            self.entries.len() as u32 - 1
        });
        if old.is_some() {
            self.leave(slot);
        }
        let entry = Entry { hash: access.hash, weight, deadline_ms: access.deadline_ms };
        self.entries[slot as usize] = entry;
        self.slots.insert(access.hash, slot);
        self.deadlines.extend(entry.deadline_ms.map(|at_ms| (at_ms, slot)));
        self.held += u64::from(weight);
        let ttl_ms = access.deadline_ms.map_or(0, |at_ms| at_ms.saturating_sub(now_ms).max(1));
        let (cost_us, ttl_ms) = (access.cost_us, u32::try_from(ttl_ms).unwrap_or(u32::MAX));
        // The sample has one range of hashes. Multiplied by an odd number they spread again,
        // and stay distinct in 53 bits.
        let hash = access.hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.batch.admit(slot, hash, Attributes { weight, cost_us, ttl_ms });
        self.step(now_ms)
    }

    /// Drops entries that have expired.
    fn expire(&mut self, now_ms: u64) -> Result<(), String> {
        while let Some(&(deadline_ms, slot)) = self.deadlines.first()
            && deadline_ms <= now_ms
        {
            self.remove(slot, now_ms)?;
        }
        Ok(())
    }

    /// Drops a resident entry, which the policy learns with the next step.
    fn remove(&mut self, slot: u32, now_ms: u64) -> Result<(), String> {
        self.batch.removed.push(slot);
        self.vacate(slot);
        // As many as in a step of a node, or a slow policy would be ended for it.
        if self.batch.removed.len() >= EVENTS { self.step(now_ms) } else { Ok(()) }
    }

    fn vacate(&mut self, slot: u32) {
        self.leave(slot);
        self.slots.remove(&self.entries[slot as usize].hash);
        self.free.push(slot);
    }

    /// Takes the entry in a slot out of the sums.
    fn leave(&mut self, slot: u32) {
        let entry = &mut self.entries[slot as usize];
        self.held -= u64::from(std::mem::take(&mut entry.weight));
        if let Some(deadline_ms) = entry.deadline_ms.take() {
            self.deadlines.remove(&(deadline_ms, slot));
        }
    }

    /// Passes the batch on, and evicts until the limits are kept.
    fn step(&mut self, now_ms: u64) -> Result<(), String> {
        loop {
            let need = self.need();
            self.policy
                .step(&self.batch, need, now_ms, &mut self.victims)
                .map_err(|failure| failure.to_string())?;
            self.batch.clear();
            let before = self.held;
            for victim in std::mem::take(&mut self.victims) {
                // As in a store, a victim that is not there is passed over.
                if self.entries.get(victim as usize).is_some_and(|entry| entry.weight > 0) {
                    self.vacate(victim);
                }
            }
            match self.need() {
                0 => return Ok(()),
                need if self.held == before => {
                    return Err(format!("named no victim where {need} bytes had to leave"));
                }
                _ => {}
            }
        }
    }

    /// The weight to evict.
    fn need(&self) -> u64 {
        let entries = self.slots.len() as u64;
        let over_bytes = self.held.saturating_sub(self.limits.bytes);
        let over_entries = entries.saturating_sub(u64::from(self.limits.entries));
        over_bytes.max(over_entries * self.held.div_ceil(entries.max(1)))
    }
}

/// A sample has no keys, only their hashes.
struct NoKeys;

impl Keys for NoKeys {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}
