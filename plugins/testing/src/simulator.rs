//! A cache of unit-size entries around one policy, one request a step.

use std::collections::HashMap;
use std::fmt::Debug;

use crate::streams::{self, Random};
use psycache_plugin::{Config, ConfigError, Policy, Step, Stepped};

/// What one request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whether the key was resident.
    pub hit: bool,
    /// The key that had to leave.
    pub evicted: Option<u64>,
}

/// A policy written down as its definition says, without a thought for speed.
pub trait Model {
    /// Gets `key`, which is stored if it is not resident.
    fn request(&mut self, key: u64) -> Request;
    /// Deletes `key`, which is resident.
    fn remove(&mut self, key: u64);
    /// What the last request evicted beside the entry whose room it needed.
    fn evicted_beyond_need(&self) -> &[u64] {
        &[]
    }
}

/// Drives `P` as the node does with a batch of one: a hit is a step that touches, a
/// miss is a step that admits and, where the cache is full, needs room for one.
#[derive(Debug)]
pub struct Simulator<P> {
    policy: Stepped<P>,
    capacity: usize,
    slots: HashMap<u64, u32>,
    keys: Vec<u64>,
    unused: Vec<u32>,
    victims: Vec<u32>,
    evicted_beyond_need: Vec<u64>,
}

impl<P: Policy> Simulator<P> {
    /// A cache of `capacity` entries; one slot more, for the newcomer that is admitted
    /// in the step that makes room for it.
    ///
    /// # Errors
    /// What the policy's `configure` refuses.
    pub fn new(capacity: u32, options: &[(&str, &str)]) -> Result<Self, ConfigError> {
        let bare = Config::new(u64::from(capacity), capacity + 1);
        let config = options.iter().fold(bare, |config, (name, value)| config.option(name, value));
        Ok(Self {
            policy: Stepped::new(&config)?,
            capacity: capacity as usize,
            slots: HashMap::new(),
            keys: vec![0; capacity as usize + 1],
            unused: (0..=capacity).rev().collect(),
            victims: Vec::new(),
            evicted_beyond_need: Vec::new(),
        })
    }

    /// The policy.
    pub fn policy(&self) -> &P {
        self.policy.policy()
    }

    /// The slot of a resident key.
    pub fn slot(&self, key: u64) -> Option<u32> {
        self.slots.get(&key).copied()
    }

    /// The key at a slot, resident or the last that was.
    pub fn key(&self, slot: u32) -> u64 {
        self.keys[slot as usize]
    }

    /// See [`Policy::victim_beyond_need`]: what the last request evicted so.
    pub fn evicted_beyond_need(&self) -> &[u64] {
        &self.evicted_beyond_need
    }

    /// Gets `key`, which is stored if it is not resident.
    ///
    /// # Panics
    /// If the policy gives no room although it was asked to.
    pub fn request(&mut self, key: u64) -> Request {
        self.evicted_beyond_need.clear();
        if let Some(slot) = self.slot(key) {
            self.policy.step(&Step { touched: &[slot], ..Step::default() }, &mut self.victims);
            return Request { hit: true, evicted: None };
        }
        let need = u64::from(self.slots.len() == self.capacity);
        let slot = self.unused.pop().expect("one slot more than entries");
        self.keys[slot as usize] = key;
        let (admitted, hashes, attributes) = ([slot], [key], [1, 0, 0]);
        let step = Step {
            admitted: &admitted,
            hashes: &hashes,
            attributes: &attributes,
            need,
            ..Step::default()
        };
        self.policy.step(&step, &mut self.victims);
        self.slots.insert(key, slot);
        let evicted: Vec<u64> = self.victims.iter().map(|slot| self.keys[*slot as usize]).collect();
        assert_eq!(evicted.is_empty(), need == 0, "victims where room is needed");
        self.unused.append(&mut self.victims);
        for key in &evicted {
            self.slots.remove(key);
        }
        self.evicted_beyond_need.extend(evicted.iter().skip(1));
        let evicted = evicted.first().copied();
        Request { hit: false, evicted }
    }

    /// Deletes a resident key.
    ///
    /// # Panics
    /// If it is not resident.
    pub fn remove(&mut self, key: u64) {
        let slot = self.slots.remove(&key).expect("only resident keys are removed");
        self.policy.step(&Step { removed: &[slot], ..Step::default() }, &mut self.victims);
        self.unused.push(slot);
    }
}

/// Runs policy and model over generated streams at several capacities, deleting a
/// resident key now and then, and compares them request by request.
///
/// # Panics
/// Where they differ.
pub fn agree<P: Policy + Debug, M: Model>(options: &[(&str, &str)], model: impl Fn(usize) -> M) {
    for capacity in [1, 2, 3, 7, 40, 100] {
        for deletions in [false, true] {
            for (name, stream) in streams::all(u64::from(capacity)) {
                let mut policy =
                    Simulator::<P>::new(capacity, options).expect("the options are right");
                let mut model = model(capacity as usize);
                let mut random = Random::new(1);
                for (at, key) in stream.into_iter().enumerate() {
                    let place = format!("request {at} for {key} of {name}, capacity {capacity}");
                    assert_eq!(policy.request(key), model.request(key), "{place}");
                    let beyond = policy.evicted_beyond_need();
                    assert_eq!(beyond, model.evicted_beyond_need(), "{place}");
                    if deletions && policy.slot(key).is_some() && random.below(9) == 0 {
                        policy.remove(key);
                        model.remove(key);
                    }
                }
            }
        }
    }
}
