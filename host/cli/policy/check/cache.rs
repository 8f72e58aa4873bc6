//! A cache of entries of weight 1 whose victims a policy chooses, told in batches as a node
//! tells them: what the measurements run on.

use crate::plugin::PolicyInstance;
use crate::policy::{Attributes, Batch, Failure, Policy};

/// No slot, and no key.
const NONE: u32 = u32::MAX;

pub(super) struct Cache {
    policy: PolicyInstance,
    /// What stays after a step.
    capacity: u32,
    /// Events of a step.
    events: usize,
    /// The slot of each key, by the key's number.
    slots: Vec<u32>,
    /// The key in each slot.
    keys: Vec<u32>,
    free: Vec<u32>,
    held: u32,
    batch: Batch,
    victims: Vec<u32>,
    steps: u64,
    evicted: u64,
    /// Where the next entry is looked for that leaves without the policy's word.
    hand: u32,
}

impl Cache {
    /// Slots that [`Cache`] uses for `capacity` entries told in steps of so many events.
    pub(super) fn slots(capacity: u32, events: usize) -> u32 {
        capacity + events as u32
    }

    /// An empty cache.
    pub(super) fn new(policy: PolicyInstance, capacity: u32, events: usize) -> Self {
        let slots = Self::slots(capacity, events);
        Self {
            policy,
            capacity,
            events,
            slots: Vec::new(),
            keys: vec![NONE; slots as usize],
            free: (0..slots).rev().collect(),
            held: 0,
            batch: Batch::default(),
            victims: Vec::new(),
            steps: 0,
            evicted: 0,
            hand: 0,
        }
    }

    pub(super) fn policy(&self) -> &PolicyInstance {
        &self.policy
    }

    /// Entries that have left.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Asks for `key`, which is stored if it is not there, and says whether it was. The policy
    /// hears of a hit only if it `is_told`.
    pub(super) fn get(&mut self, key: u32, is_told: bool) -> Result<bool, Failure> {
        if key as usize >= self.slots.len() {
            self.slots.resize(key as usize + 1, NONE);
        }
        let slot = self.slots[key as usize];
        let is_hit = slot != NONE;
        if is_hit && is_told {
            self.batch.touched.push(slot);
        }
        if !is_hit {
            self.admit(key);
        }
        if self.batch.touched.len() + self.batch.admitted.len() >= self.events {
            self.step()?;
        }
        Ok(is_hit)
    }

    fn admit(&mut self, key: u32) {
        let Some(slot) = self.free.pop() else { return };
        self.slots[key as usize] = slot;
        self.keys[slot as usize] = key;
        self.held += 1;
        let hash = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.batch.admit(slot, hash, Attributes::new(1));
    }

    /// Tells the policy what has happened.
    pub(super) fn step(&mut self) -> Result<(), Failure> {
        self.steps += 1;
        let need = self.held.saturating_sub(self.capacity);
        self.victims.clear();
        self.policy.step(&self.batch, need.into(), self.steps, &mut self.victims)?;
        self.batch.clear();
        for place in 0..self.victims.len() {
            self.evict(self.victims[place]);
        }
        while self.held > self.capacity {
            // The policy named too few: the node chooses, and tells it.
            self.hand = (self.hand + 1) % self.keys.len() as u32;
            if self.evict(self.hand) {
                self.batch.removed.push(self.hand);
            }
        }
        Ok(())
    }

    /// Whether there was an entry.
    fn evict(&mut self, slot: u32) -> bool {
        let Some(key) = self.keys.get_mut(slot as usize).filter(|key| **key != NONE) else {
            return false;
        };
        self.slots[*key as usize] = NONE;
        *key = NONE;
        self.free.push(slot);
        self.held -= 1;
        self.evicted += 1;
        true
    }
}
