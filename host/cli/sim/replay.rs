//! One policy over one stream: a get fills on a miss.

use std::sync::Arc;

use anyhow::{Context, Result};
use parking_lot::Mutex;

use super::capacity::Unit;
use super::request::{Kind, Request};
use super::tally::Tally;
use super::trace::Names;
use crate::policy::{
    Attributes, Broken, Faults, Index, Keys, PolicyConfig, PolicySource, SimulatedCache,
};

/// The maximum number of victims of a step: enough for a batch of one in bytes.
const MAX_VICTIMS: u32 = 1024;

/// No slot: the key is not resident.
const ABSENT: u32 = u32::MAX;

/// Most entries that a capacity in bytes is taken to hold.
const MOST_ENTRIES: u64 = 1 << 24;

/// The configuration of a policy for a cache of `capacity`.
fn config(capacity: u64, options: &[(String, String)]) -> PolicyConfig {
    PolicyConfig {
        capacity,
        // A new entry gets its slot before its victim has released one.
        max_entries: capacity.min(MOST_ENTRIES) as u32 + 1,
        max_victims: MAX_VICTIMS,
        seed: 0,
        options: options.to_vec(),
    }
}

/// A cache of one capacity.
pub(super) struct Replay {
    cache: SimulatedCache<Numbers>,
    unit: Unit,
    requests: u64,
    now_ms: u64,
    tally: Tally,
}

impl Replay {
    /// An empty cache of `capacity`, in `unit`.
    pub(super) fn new(
        source: &dyn PolicySource,
        options: &[(String, String)],
        unit: Unit,
        capacity: u64,
        names: Names,
    ) -> Result<Self> {
        let residents = Arc::new(Residents { names, keys: Mutex::default() });
        let config = config(capacity, options);
        let keys = Arc::clone(&residents) as Arc<dyn Keys>;
        let numbers = Numbers { slots: Vec::new(), residents };
        let cache = SimulatedCache::new(source, &config, keys, numbers, Faults::End)?;
        Ok(Self { cache, unit, requests: 0, now_ms: 0, tally: Tally::default() })
    }

    /// What was counted so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Answers one request.
    pub(super) fn request(&mut self, request: Request) -> Result<()> {
        self.requests += 1;
        // Where a trace tells no times, a request takes a millisecond.
        self.now_ms =
            self.now_ms.max(if request.at_ms == 0 { self.requests } else { request.at_ms });
        self.cache.set_time(self.now_ms);
        self.answer(request).with_context(|| format!("request {}", self.requests))
    }

    fn answer(&mut self, request: Request) -> Result<(), Broken> {
        self.cache.expire(request.at_ms)?;
        let key = request.key;
        let is_there = match request.kind {
            Kind::Get | Kind::Miss => self.cache.get(key)?,
            Kind::Set | Kind::Remove | Kind::Load | Kind::Clear => self.cache.contains(key),
        };
        self.tally.count(&request, is_there);
        match request.kind {
            Kind::Get | Kind::Load if is_there => Ok(()),
            Kind::Get | Kind::Load | Kind::Set => self.store(request),
            // What a miss brings is a request of its own, and this cache would not ask for it.
            Kind::Miss => Ok(()),
            Kind::Remove => self.cache.remove(key),
            Kind::Clear => self.cache.clear(),
        }
    }

    fn store(&mut self, request: Request) -> Result<(), Broken> {
        let Request { key, size, at_ms, ttl_ms, load_us, kind, .. } = request;
        let weight = match self.unit {
            Unit::Entries => 1,
            Unit::Bytes => size,
        };
        // The value of a set was not loaded.
        let cost_us = if kind == Kind::Set { 0 } else { load_us };
        let ends_ms = if ttl_ms == 0 { 0 } else { at_ms.saturating_add(u64::from(ttl_ms)) };
        self.cache.store(key, Attributes { weight, cost_us, ttl_ms }, ends_ms)
    }
}

/// Keys by their numbers.
struct Numbers {
    /// Slot of each key.
    slots: Vec<u32>,
    residents: Arc<Residents>,
}

impl Index for Numbers {
    type Key = u32;

    fn slot(&self, key: u32) -> Option<u32> {
        self.slots.get(key as usize).copied().filter(|slot| *slot != ABSENT)
    }

    fn insert(&mut self, key: u32, slot: u32) {
        if key as usize >= self.slots.len() {
            self.slots.resize(key as usize + 1, ABSENT);
        }
        self.slots[key as usize] = slot;
        self.residents.set(slot, key);
    }

    fn remove(&mut self, key: u32) {
        self.slots[key as usize] = ABSENT;
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
        self.names.text(number)
    }
}
