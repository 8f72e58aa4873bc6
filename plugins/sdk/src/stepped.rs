//! The contract's one call, `step`, over a policy that works on one slot at a time.

use crate::{Config, ConfigError, Entry, Policy, SlotArray};

/// All that happened since the last step; see `policy.step` in the WIT for the terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step<'a> {
    /// Slots hit, oldest first; lossy and repeating.
    pub touched: &'a [u32],
    /// Slots whose entry is gone for another reason than the policy.
    pub removed: &'a [u32],
    /// Slots of new or overwritten entries, oldest first.
    pub admitted: &'a [u32],
    /// One hash for each admitted entry.
    pub hashes: &'a [u64],
    /// At least three numbers for each admitted entry: weight, cost, time to live.
    pub attributes: &'a [u32],
    /// Weight that has to go.
    pub need: u64,
    /// Milliseconds on the node's monotonic clock.
    pub now: u64,
}

impl Step<'_> {
    /// The attributes of the `at`-th admitted entry. Later versions of the contract
    /// may append some, hence the stride.
    fn entry(&self, at: usize) -> Entry {
        let stride = self.attributes.len() / self.admitted.len();
        let attributes = &self.attributes[at * stride..];
        Entry {
            hash: self.hashes[at],
            weight: attributes[0].max(1),
            cost_us: attributes[1],
            ttl_ms: attributes[2],
        }
    }
}

/// Drives a [`Policy`] by whole steps and keeps its contract: it knows which slots are
/// resident and how much they weigh (4 bytes a slot), ignores what the policy does not
/// know and tells an overwritten entry from a new one.
///
/// # Who may be a victim
/// Victims are chosen among the entries that were resident before the step *first*;
/// only then are the new ones admitted, and only if `need` is not met yet may they go
/// too. In a batch of one this is "evict, then insert", the order in which every
/// textbook defines its policy. Inserting first would let a policy such as LFU choose
/// the newcomer, whose count is lowest, for ever.
///
/// The one exception is an admitted slot that is resident still: its entry was
/// overwritten, which is an access to an old entry and counts before victims are chosen.
#[derive(Clone, Debug)]
pub struct Stepped<P> {
    policy: P,
    /// Weight of each resident entry; 0 where none is resident.
    weights: SlotArray<u32>,
    max_entries: u32,
    max_victims: usize,
    /// Which of the step's admitted entries are new; kept for its memory alone.
    newcomers: Vec<usize>,
}

impl<P: Policy> Stepped<P> {
    /// Configures the policy.
    ///
    /// # Errors
    /// What [`Policy::configure`] refuses.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            policy: P::configure(config)?,
            weights: SlotArray::new(0),
            max_entries: config.max_entries,
            max_victims: config.max_victims as usize,
            newcomers: Vec::new(),
        })
    }

    /// The policy itself, for statistics and tests.
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// Applies a step and puts the victims, coldest first, into `victims`, which is
    /// emptied before. Nothing is allocated unless `victims` or a flat array has to grow.
    ///
    /// # Panics
    /// If the caller breaks the contract (lists of unequal length, a slot at or beyond
    /// `max_entries`), or the policy does (a victim that is not resident).
    pub fn step(&mut self, step: &Step<'_>, victims: &mut Vec<u32>) {
        victims.clear();
        self.policy.begin_step(step.now);
        for &slot in step.touched {
            if self.weights.get(slot) != 0 {
                self.policy.touch(slot);
            }
        }
        for &slot in step.removed {
            if self.weights.get(slot) != 0 {
                self.weights.set(slot, 0);
                self.policy.remove(slot);
            }
        }
        self.overwrite_residents(step);
        let freed = self.choose(step.need, 0, victims);
        self.admit_newcomers(step);
        self.choose(step.need, freed, victims);
    }

    fn overwrite_residents(&mut self, step: &Step<'_>) {
        let count = step.admitted.len();
        assert_eq!(step.hashes.len(), count, "one hash for each admitted entry");
        assert!(step.attributes.len() >= 3 * count, "three attributes for each admitted entry");
        self.newcomers.clear();
        for (at, &slot) in step.admitted.iter().enumerate() {
            if self.weights.get(slot) == 0 {
                self.newcomers.push(at);
            } else {
                self.overwrite(slot, &step.entry(at));
            }
        }
    }

    fn overwrite(&mut self, slot: u32, entry: &Entry) {
        self.weights.set(slot, entry.weight);
        self.policy.overwrite(slot, entry);
    }

    fn admit_newcomers(&mut self, step: &Step<'_>) {
        for place in 0..self.newcomers.len() {
            let at = self.newcomers[place];
            let (slot, entry) = (step.admitted[at], step.entry(at));
            assert!(slot < self.max_entries, "slot {slot} is not below max-entries");
            if self.weights.get(slot) == 0 {
                self.weights.set(slot, entry.weight);
                self.policy.admit(slot, &entry);
            } else {
                self.overwrite(slot, &entry);
            }
        }
    }

    /// Adds victims until they weigh `need` and returns what they weigh now.
    fn choose(&mut self, need: u64, mut freed: u64, victims: &mut Vec<u32>) -> u64 {
        while freed < need && victims.len() < self.max_victims {
            let Some(slot) = self.policy.victim() else {
                break;
            };
            let weight = self.weights.get(slot);
            assert_ne!(weight, 0, "the policy chose slot {slot}, which is not resident");
            self.weights.set(slot, 0);
            victims.push(slot);
            freed += u64::from(weight);
        }
        freed
    }
}

#[cfg(test)]
mod tests;
