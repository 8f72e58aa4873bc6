//! One policy over one stream: a get fills on a miss.
//!
//! The policy is told in steps, as by a node. A run of hits and the request that ends it are one
//! step. A policy takes touches before admissions, so it names the same victims as with a step for
//! each request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;

use super::capacity::Unit;
use super::request::{Kind, Request};
use super::tally::Tally;
use super::trace::Names;
use crate::policy::{Attributes, Batch, Keys, Policy, PolicyConfig, PolicySource};

/// The maximum number of victims of a step: enough for a batch of one in bytes.
const MAX_VICTIMS: u32 = 1024;

/// Hits of a step, as many as events in a step of a busy node.
const RUN: usize = 64;

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

/// The content of a slot.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: u32,
    /// 0: nothing is there.
    weight: u32,
    /// When it expires; 0: never.
    ends_ms: u64,
}

/// A cache of one capacity.
pub(super) struct Replay {
    policy: Box<dyn Policy>,
    unit: Unit,
    capacity: u64,
    max_entries: u32,
    /// Slot of each key, by the key's number.
    slots: Vec<u32>,
    /// What is in each slot.
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// When slots expire, the earliest first. A slot that has another entry now has another
    /// time too, or expires at the same.
    expirations: BinaryHeap<Reverse<(u64, u32)>>,
    residents: Arc<Residents>,
    held: u64,
    requests: u64,
    now_ms: u64,
    tally: Tally,
    batch: Batch,
    victims: Vec<u32>,
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
        let policy = source.instantiate(&config, Arc::clone(&residents) as Arc<dyn Keys>)?;
        Ok(Self {
            policy,
            unit,
            capacity,
            max_entries: config.max_entries,
            slots: Vec::new(),
            entries: Vec::new(),
            free: Vec::new(),
            expirations: BinaryHeap::new(),
            residents,
            held: 0,
            requests: 0,
            now_ms: 0,
            tally: Tally::default(),
            batch: Batch::default(),
            victims: Vec::new(),
        })
    }

    /// What was counted so far.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Answers one request.
    pub(super) fn request(&mut self, request: Request) -> Result<()> {
        let key = request.key as usize;
        if key >= self.slots.len() {
            self.slots.resize(key + 1, ABSENT);
        }
        self.requests += 1;
        // Where a trace tells no times, a request takes a millisecond.
        self.now_ms =
            self.now_ms.max(if request.at_ms == 0 { self.requests } else { request.at_ms });
        self.expire(request.at_ms)?;
        let slot = self.slots[key];
        self.tally.count(&request, slot != ABSENT);
        match request.kind {
            Kind::Get | Kind::Miss if slot != ABSENT => {
                self.batch.touched.push(slot);
                if self.batch.touched.len() >= RUN { self.step(0) } else { Ok(()) }
            }
            Kind::Remove if slot == ABSENT => Ok(()),
            Kind::Remove => {
                self.release(slot);
                self.batch.removed.push(slot);
                self.step(0)
            }
            Kind::Clear => self.clear(),
            // What a miss brings is a request of its own, and this cache would not ask for it.
            Kind::Miss => Ok(()),
            Kind::Load if slot != ABSENT => Ok(()),
            Kind::Get | Kind::Load | Kind::Set => self.store(request, slot),
        }
    }

    /// Takes everything out.
    fn clear(&mut self) -> Result<()> {
        for slot in 0..self.entries.len() as u32 {
            if self.entries[slot as usize].weight > 0 {
                self.release(slot);
                self.batch.removed.push(slot);
                if self.batch.removed.len() >= RUN {
                    self.step(0)?;
                }
            }
        }
        self.step(0)
    }

    /// Stores a value in place of what is at `slot`, or anew.
    fn store(&mut self, request: Request, slot: u32) -> Result<()> {
        let weight = match self.unit {
            Unit::Entries => 1,
            Unit::Bytes => request.size,
        };
        if u64::from(weight) > self.capacity {
            if slot == ABSENT {
                return Ok(());
            }
            // A node does not keep the old value of a key whose new one is too large.
            self.release(slot);
            self.batch.removed.push(slot);
            return self.step(0);
        }
        if slot != ABSENT {
            self.held -= u64::from(self.entries[slot as usize].weight);
        }
        let need = (self.held + u64::from(weight)).saturating_sub(self.capacity);
        self.admit(request, weight, slot)?;
        self.step(need)?;
        while self.held > self.capacity {
            let before = self.held;
            self.step(before - self.capacity)?;
            if self.held == before {
                bail!("it named no victim with {} over the capacity", before - self.capacity);
            }
        }
        Ok(())
    }

    fn admit(&mut self, request: Request, weight: u32, slot: u32) -> Result<()> {
        let Request { key, at_ms, ttl_ms, load_us, .. } = request;
        let slot = match slot {
            ABSENT => self.free_slot()?,
            slot => slot,
        };
        let ends_ms = if ttl_ms == 0 { 0 } else { at_ms.saturating_add(u64::from(ttl_ms)) };
        if ends_ms > 0 {
            self.expirations.push(Reverse((ends_ms, slot)));
            self.forget_past_expirations();
        }
        self.slots[key as usize] = slot;
        self.entries[slot as usize] = Entry { key, weight, ends_ms };
        self.residents.set(slot, key);
        self.held += u64::from(weight);
        // Multiplying by an odd number keeps distinct keys distinct in 53 bits.
        let hash = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The value of a set was not loaded.
        let cost_us = if request.kind == Kind::Set { 0 } else { load_us };
        self.batch.admit(slot, hash, Attributes { weight, cost_us, ttl_ms });
        Ok(())
    }

    fn free_slot(&mut self) -> Result<u32> {
        if let Some(slot) = self.free.pop() {
            return Ok(slot);
        }
        let slot = self.entries.len() as u32;
        if slot >= self.max_entries {
            bail!("more than {} entries at a time; use a smaller capacity", self.max_entries);
        }
        self.entries.push(Entry::default());
        Ok(slot)
    }

    /// Takes out what has expired by `now_ms`. The next step tells it.
    fn expire(&mut self, now_ms: u64) -> Result<()> {
        while let Some(&Reverse((ends_ms, slot))) = self.expirations.peek()
            && ends_ms <= now_ms
        {
            self.expirations.pop();
            if self.entries[slot as usize].ends_ms == ends_ms {
                self.release(slot);
                self.batch.removed.push(slot);
                // As many as in a step of a node, or a slow policy would be ended for it.
                if self.batch.removed.len() >= RUN {
                    self.step(0)?;
                }
            }
        }
        Ok(())
    }

    /// Drops the times of entries that left before, when they are more than those of entries.
    fn forget_past_expirations(&mut self) {
        if self.expirations.len() > 2 * self.entries.len() + RUN {
            let entries = &self.entries;
            self.expirations.retain(|Reverse((ends_ms, slot))| {
                entries.get(*slot as usize).is_some_and(|entry| entry.ends_ms == *ends_ms)
            });
        }
    }

    /// Empties a slot.
    fn release(&mut self, slot: u32) {
        let entry = std::mem::take(&mut self.entries[slot as usize]);
        self.held -= u64::from(entry.weight);
        self.slots[entry.key as usize] = ABSENT;
        self.free.push(slot);
    }

    fn step(&mut self, need: u64) -> Result<()> {
        self.victims.clear();
        let stepped = self.policy.step(&self.batch, need, self.now_ms, &mut self.victims);
        stepped.with_context(|| format!("request {}", self.requests))?;
        self.batch.clear();
        let victims = std::mem::take(&mut self.victims);
        for &slot in &victims {
            if self.entries.get(slot as usize).is_none_or(|entry| entry.weight == 0) {
                bail!("request {}: it named slot {slot}, where nothing is", self.requests);
            }
            self.release(slot);
        }
        self.victims = victims;
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
        self.names.text(number)
    }
}
