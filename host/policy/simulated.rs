//! A cache without values under one policy: what `psycache sim` and shadows replay requests into.
//!
//! The policy is told in steps, as in a node: a run of hits or removals goes with the request that
//! ends it. Touches come first in a step and admissions last. A policy that reads the time sees that
//! of the step.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::{Attributes, Batch, Failure, Instance, Keys, PolicyConfig, PolicySource};

/// Touches, or removals, of a step: as many as events in a step of a busy node.
const RUN: usize = 64;

/// The slots of the keys that are resident.
pub(crate) trait Index {
    /// A key, or a number that stands for it. Distinct keys have distinct numbers.
    type Key: Copy + Into<u64>;

    /// Where the key is.
    fn slot(&self, key: Self::Key) -> Option<u32>;

    /// The key is in `slot` now.
    fn insert(&mut self, key: Self::Key, slot: u32);

    /// The key is gone.
    fn remove(&mut self, key: Self::Key);
}

/// What follows if a policy names a slot where nothing is, or the slots are not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    /// The end, because the hit ratio would be wrong.
    End,
    /// The victim is passed over, and more entries leave: as in a node.
    Pass,
}

/// Why a cache can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Policy(#[from] Failure),
    #[error("the policy named no victim where a weight of {need} had to leave")]
    NoVictim { need: u64 },
    #[error("the policy named slot {slot}, which is empty")]
    Stray { slot: u32 },
    #[error("more than {most} entries at a time; use a smaller capacity")]
    Full { most: u64 },
}

/// The content of a slot.
struct Entry<K> {
    key: K,
    /// 0: nothing is there.
    weight: u32,
    /// When it expires; 0: never.
    ends_ms: u64,
}

/// A cache of one capacity under one policy.
pub(crate) struct SimulatedCache<I: Index> {
    policy: Instance,
    faults: Faults,
    /// In the unit of the weights.
    capacity: u64,
    most_entries: u64,
    index: I,
    entries: Vec<Entry<I::Key>>,
    free: Vec<u32>,
    /// When slots expire, the earliest first. A slot that has another entry now has another
    /// time too, or expires at the same.
    expirations: BinaryHeap<Reverse<(u64, u32)>>,
    held: u64,
    now_ms: u64,
    batch: Batch,
    victims: Vec<u32>,
}

impl<I: Index> SimulatedCache<I> {
    /// An empty cache. It holds at most one entry less than the configuration has slots, because a
    /// new entry takes a slot before its victim frees one.
    ///
    /// # Errors
    /// The policy refuses its configuration or fails.
    pub(crate) fn new(
        source: &dyn PolicySource,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
        index: I,
        faults: Faults,
    ) -> Result<Self, Failure> {
        Ok(Self {
            policy: Instance::new(source, config, keys)?,
            faults,
            capacity: config.capacity,
            most_entries: u64::from(config.max_entries) - 1,
            index,
            entries: Vec::new(),
            free: Vec::new(),
            expirations: BinaryHeap::new(),
            held: 0,
            now_ms: 0,
            batch: Batch::default(),
            victims: Vec::new(),
        })
    }

    /// The time that the policy is told, which never goes back.
    pub(crate) fn set_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Number of times at which something may expire.
    #[cfg(test)]
    pub(crate) fn ends(&self) -> usize {
        self.expirations.len()
    }

    /// Whether `key` is there. This does not count as a use.
    pub(crate) fn contains(&self, key: I::Key) -> bool {
        self.index.slot(key).is_some()
    }

    /// Uses `key` if it is there, and says whether it was.
    pub(crate) fn get(&mut self, key: I::Key) -> Result<bool, Broken> {
        let Some(slot) = self.index.slot(key) else { return Ok(false) };
        self.batch.touched.push(slot);
        if self.batch.touched.len() >= RUN {
            self.step()?;
        }
        Ok(true)
    }

    /// Stores a value that ends at `ends_ms` (0: never), anew or in place of another one.
    pub(crate) fn store(
        &mut self,
        key: I::Key,
        attributes: Attributes,
        ends_ms: u64,
    ) -> Result<(), Broken> {
        let weight = attributes.weight.max(1);
        if u64::from(weight) > self.capacity {
            // A node does not keep the old value of a key whose new one is too large.
            return self.remove(key);
        }
        let slot = match self.index.slot(key) {
            Some(slot) => {
                self.held -= u64::from(self.entries[slot as usize].weight);
                slot
            }
            None => self.occupy(key),
        };
        self.held += u64::from(weight);
        self.entries[slot as usize] = Entry { key, weight, ends_ms };
        if ends_ms > 0 {
            self.expirations.push(Reverse((ends_ms, slot)));
            self.forget_past_expirations();
        }
        // Multiplying by an odd number spreads keys, and keeps distinct ones distinct in 53 bits.
        let hash = key.into().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.batch.admit(slot, hash, attributes);
        self.step()
    }

    /// Takes `key` out.
    pub(crate) fn remove(&mut self, key: I::Key) -> Result<(), Broken> {
        self.index.slot(key).map_or(Ok(()), |slot| self.discard(slot))
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> Result<(), Broken> {
        (0..self.entries.len() as u32).try_for_each(|slot| match self.is_empty(slot) {
            true => Ok(()),
            false => self.discard(slot),
        })
    }

    /// Takes out what has ended by `now_ms`.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Result<(), Broken> {
        while let Some(&Reverse((ends_ms, slot))) = self.expirations.peek()
            && ends_ms <= now_ms
        {
            self.expirations.pop();
            if self.entries[slot as usize].ends_ms == ends_ms {
                self.discard(slot)?;
            }
        }
        Ok(())
    }

    /// Drops the times of entries that left before, once there are more times than entries. At
    /// most one for each slot stays, so the cost of a store is constant on average.
    fn forget_past_expirations(&mut self) {
        if self.expirations.len() > 2 * self.entries.len() + RUN {
            let entries = &self.entries;
            let mut times = std::mem::take(&mut self.expirations).into_vec();
            times.retain(|Reverse((ends_ms, slot))| entries[*slot as usize].ends_ms == *ends_ms);
            // An entry that is stored again with the same end has the same time twice.
            times.sort_unstable();
            times.dedup();
            self.expirations = times.into();
        }
    }

    /// A slot for a key that is not there.
    fn occupy(&mut self, key: I::Key) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry { key, weight: 0, ends_ms: 0 });
            self.entries.len() as u32 - 1
        });
        self.index.insert(key, slot);
        slot
    }

    /// Drops a resident entry, which the policy learns with the next step.
    fn discard(&mut self, slot: u32) -> Result<(), Broken> {
        self.vacate(slot);
        self.batch.removed.push(slot);
        // As many as in a step of a node, or a slow policy would be ended for it.
        if self.batch.removed.len() >= RUN { self.step() } else { Ok(()) }
    }

    fn is_empty(&self, slot: u32) -> bool {
        self.entries.get(slot as usize).is_none_or(|entry| entry.weight == 0)
    }

    fn vacate(&mut self, slot: u32) {
        let entry = &mut self.entries[slot as usize];
        self.held -= u64::from(entry.weight);
        (entry.weight, entry.ends_ms) = (0, 0);
        self.index.remove(entry.key);
        self.free.push(slot);
    }

    /// Passes the batch on, and evicts until the limits are kept.
    fn step(&mut self) -> Result<(), Broken> {
        let mut need = self.need()?;
        loop {
            self.policy.step(&self.batch, need, self.now_ms, &mut self.victims)?;
            self.batch.clear();
            let before = self.held;
            let victims = std::mem::take(&mut self.victims);
            for &slot in &victims {
                match self.faults {
                    _ if !self.is_empty(slot) => self.vacate(slot),
                    Faults::End => return Err(Broken::Stray { slot }),
                    Faults::Pass => {}
                }
            }
            self.victims = victims;
            need = match self.need()? {
                0 => return Ok(()),
                need if self.held == before => return Err(Broken::NoVictim { need }),
                need => need,
            };
        }
    }

    /// The weight to evict.
    fn need(&self) -> Result<u64, Broken> {
        let over = self.held.saturating_sub(self.capacity);
        let entries = self.len() as u64;
        match entries.saturating_sub(self.most_entries) {
            0 => Ok(over),
            _ if over == 0 && self.faults == Faults::End => {
                Err(Broken::Full { most: self.most_entries })
            }
            too_many => Ok(over.max(too_many * self.held.div_ceil(entries))),
        }
    }
}
