//! One policy over one stream: every request is a get that fills on a miss, and
//! every request is one step of the policy.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;

use super::trace::{Names, Request};
use crate::policy::{Attributes, Batch, Keys, Policy, PolicyConfig, PolicySource};

/// The maximum number of victims of a step: enough for a batch of one in bytes.
const MAX_VICTIMS: u32 = 1024;

/// No slot: the key is not resident.
const ABSENT: u32 = u32::MAX;

/// Most entries that a capacity in bytes is taken to hold.
const MOST_ENTRIES: u64 = 1 << 24;

/// The configuration of a policy for a cache of `capacity`.
pub(super) fn config(capacity: u64, options: &[(String, String)]) -> PolicyConfig {
    PolicyConfig {
        capacity,
        // A new entry gets its slot before its victim has released one.
        max_entries: capacity.min(MOST_ENTRIES) as u32 + 1,
        max_victims: MAX_VICTIMS,
        seed: 0,
        options: options.to_vec(),
    }
}

/// The content of a slot.
struct Entry {
    key: u32,
    /// 0: nothing is there.
    weight: u32,
}

/// A cache of one capacity, with one step for each request.
pub(super) struct Replay {
    policy: Box<dyn Policy>,
    capacity: u64,
    max_entries: u32,
    /// Slot of each key, by the key's number.
    slots: Vec<u32>,
    /// What is in each slot.
    entries: Vec<Entry>,
    free: Vec<u32>,
    residents: Arc<Residents>,
    held: u64,
    requests: u64,
    hits: u64,
    batch: Batch,
    victims: Vec<u32>,
}

impl Replay {
    /// An empty cache of `capacity`, in the unit of the requests' weights.
    pub(super) fn new(
        source: &dyn PolicySource,
        options: &[(String, String)],
        capacity: u64,
        names: Names,
    ) -> Result<Self> {
        let residents = Arc::new(Residents { names, keys: Mutex::default() });
        let config = config(capacity, options);
        let policy = source.instantiate(&config, Arc::clone(&residents) as Arc<dyn Keys>)?;
        Ok(Self {
            policy,
            capacity,
            max_entries: config.max_entries,
            slots: Vec::new(),
            entries: Vec::new(),
            free: Vec::new(),
            residents,
            held: 0,
            requests: 0,
            hits: 0,
            batch: Batch::default(),
            victims: Vec::new(),
        })
    }

    /// Hits of all requests.
    pub(super) fn hit_ratio(&self) -> f64 {
        self.hits as f64 / self.requests.max(1) as f64
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Answers one request.
    pub(super) fn request(&mut self, request: Request) -> Result<()> {
        let key = request.key as usize;
        if key >= self.slots.len() {
            self.slots.resize(key + 1, ABSENT);
        }
        self.requests += 1;
        self.batch.clear();
        let slot = self.slots[key];
        if slot != ABSENT {
            self.hits += 1;
            self.batch.touched.push(slot);
            return self.step(0);
        }
        let weight = u64::from(request.weight);
        if weight > self.capacity {
            return Ok(());
        }
        let need = (self.held + weight).saturating_sub(self.capacity);
        self.admit(request)?;
        self.step(need)?;
        self.batch.clear();
        while self.held > self.capacity {
            let before = self.held;
            self.step(before - self.capacity)?;
            if self.held == before {
                bail!("it named no victim with {} over the capacity", before - self.capacity);
            }
        }
        Ok(())
    }

    fn admit(&mut self, request: Request) -> Result<()> {
        let Request { key, weight } = request;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.entries.push(Entry { key: 0, weight: 0 });
                self.entries.len() as u32 - 1
            }
        };
        if slot >= self.max_entries {
            bail!("more than {} entries at a time; use a smaller capacity", self.max_entries);
        }
        self.slots[key as usize] = slot;
        self.entries[slot as usize] = Entry { key, weight };
        self.residents.set(slot, key);
        self.held += u64::from(weight);
        // Multiplying by an odd number keeps distinct keys distinct in 53 bits.
        let hash = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.batch.admit(slot, hash, Attributes { weight, cost_us: 0, ttl_ms: 0 });
        Ok(())
    }

    fn step(&mut self, need: u64) -> Result<()> {
        self.victims.clear();
        self.policy
            .step(&self.batch, need, self.requests, &mut self.victims)
            .with_context(|| format!("request {}", self.requests))?;
        for &slot in &self.victims {
            let Some(entry) = self.entries.get_mut(slot as usize).filter(|entry| entry.weight > 0)
            else {
                bail!("request {}: it named slot {slot}, where nothing is", self.requests);
            };
            self.held -= u64::from(std::mem::take(&mut entry.weight));
            self.slots[entry.key as usize] = ABSENT;
            self.free.push(slot);
        }
        Ok(())
    }
}

/// Which key is in which slot, for policies that ask.
struct Residents {
    names: Names,
    /// Numbers of the keys by slot. Locked for a copy only; contended only by a
    /// policy that asks.
    keys: Mutex<Vec<u32>>,
}

impl Residents {
    fn set(&self, slot: u32, key: u32) {
        let mut keys = self.keys.lock();
        let slot = slot as usize;
        if slot >= keys.len() {
            keys.resize(slot + 1, 0);
        }
        keys[slot] = key;
    }
}

impl Keys for Residents {
    fn key(&self, slot: u32) -> Option<String> {
        let number = *self.keys.lock().get(slot as usize)?;
        let names = self.names.read();
        let name = names.get(number as usize)?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}
