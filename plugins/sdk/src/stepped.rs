//! The contract's one call, `step`, over a policy that works on one slot at a time.

use crate::residents::Residents;
use crate::{Config, ConfigError, Entry, Policy, Snapshot, State};

/// How a saved state begins: another layout of what `Stepped` saves has another number.
const LAYOUT: &[u8] = b"psycache-plugin 1\n";

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

impl<'a> Step<'a> {
    /// The admitted slots and their entries.
    #[inline]
    fn entries(&self) -> impl Iterator<Item = (u32, Entry)> + use<'a> {
        let count = self.admitted.len();
        assert_eq!(self.hashes.len(), count, "one hash for each admitted entry");
        assert!(self.attributes.len() >= 3 * count, "three attributes for each admitted entry");
        // Later versions of the contract may append some.
        let stride = (self.attributes.len() / count.max(1)).max(3);
        let attributes = self.attributes.chunks_exact(stride);
        self.admitted.iter().zip(self.hashes).zip(attributes).map(|((&slot, &hash), attributes)| {
            let (weight, cost_us, ttl_ms) = (attributes[0].max(1), attributes[1], attributes[2]);
            (slot, Entry { hash, weight, cost_us, ttl_ms })
        })
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
    residents: Residents,
    max_entries: u32,
    max_victims: usize,
    /// Which of the step's admitted entries are not new; kept for its memory alone.
    overwritten: Vec<usize>,
}

impl<P: Policy> Stepped<P> {
    /// Configures the policy.
    ///
    /// # Errors
    /// What [`Policy::configure`] refuses.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            policy: P::configure(config)?,
            residents: Residents::new(config.max_entries),
            max_entries: config.max_entries,
            max_victims: config.max_victims as usize,
            overwritten: Vec::new(),
        })
    }

    /// A policy with the state that [`save`](Self::save) wrote; `None` if it wrote something else.
    #[must_use]
    pub fn restore(config: &Config, state: &[u8]) -> Option<Self>
    where
        P: Snapshot,
    {
        let mut state = State::new(state.strip_prefix(LAYOUT)?);
        let residents = Residents::restore(config.max_entries, &mut state)?;
        let policy = P::restore(config, &mut state)?;
        let all = state.is_empty();
        all.then(|| Self {
            policy,
            residents,
            max_entries: config.max_entries,
            max_victims: config.max_victims as usize,
            overwritten: Vec::new(),
        })
    }

    /// The state of the policy, and which slots are resident.
    #[must_use]
    pub fn save(&self) -> Vec<u8>
    where
        P: Snapshot,
    {
        let mut state = LAYOUT.to_vec();
        self.residents.save(&mut state);
        self.policy.save(&mut state);
        state
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
        self.touch(step.touched);
        for &slot in step.removed {
            if self.residents.remove(slot) {
                self.policy.remove(slot);
            }
        }
        self.overwrite_residents(step);
        let freed = self.choose(step.need, 0, victims);
        self.insert_newcomers(step);
        if freed < step.need {
            self.choose_newcomers(step.need, freed, victims);
        }
    }

    /// By fours, because a component looks at its deadline in each turn of a loop, which
    /// costs a good part of what an event does.
    fn touch(&mut self, slots: &[u32]) {
        let (fours, rest) = slots.as_chunks::<4>();
        for four in fours {
            four.iter().for_each(|slot| self.touch_resident(*slot));
        }
        rest.iter().for_each(|slot| self.touch_resident(*slot));
    }

    #[inline]
    fn touch_resident(&mut self, slot: u32) {
        if self.residents.contains(slot) {
            self.policy.touch(slot);
        }
    }

    fn overwrite_residents(&mut self, step: &Step<'_>) {
        self.overwritten.clear();
        for (at, &slot) in step.admitted.iter().enumerate() {
            if self.residents.contains(slot) {
                self.overwritten.push(at);
            }
        }
        for place in 0..self.overwritten.len() {
            if let Some((slot, entry)) = step.entries().nth(self.overwritten[place]) {
                self.overwrite(slot, &entry);
            }
        }
    }

    fn insert_newcomers(&mut self, step: &Step<'_>) {
        let mut overwritten = 0;
        for (at, (slot, entry)) in step.entries().enumerate() {
            if self.overwritten.get(overwritten) == Some(&at) {
                overwritten += 1;
                continue;
            }
            assert!(slot < self.max_entries, "slot {slot} is not below max-entries");
            if self.residents.contains(slot) {
                self.overwrite(slot, &entry);
            } else {
                self.residents.set(slot, entry.weight);
                self.policy.insert(slot, &entry);
            }
        }
    }

    #[cold]
    fn overwrite(&mut self, slot: u32, entry: &Entry) {
        self.residents.set(slot, entry.weight);
        self.policy.overwrite(slot, entry);
    }

    #[cold]
    fn choose_newcomers(&mut self, need: u64, freed: u64, victims: &mut Vec<u32>) {
        self.choose(need, freed, victims);
    }

    /// Adds victims until they weigh `need` and returns what they weigh now.
    #[inline]
    fn choose(&mut self, need: u64, mut freed: u64, victims: &mut Vec<u32>) -> u64 {
        while freed < need && victims.len() < self.max_victims {
            let Some(slot) = self.policy.victim() else {
                break;
            };
            freed += self.evict(slot, victims);
        }
        if need > 0 {
            while victims.len() < self.max_victims
                && let Some(slot) = self.policy.victim_beyond_need()
            {
                freed += self.evict(slot, victims);
            }
        }
        freed
    }

    /// Names a victim and returns what it weighs.
    #[inline]
    fn evict(&mut self, slot: u32, victims: &mut Vec<u32>) -> u64 {
        let resident = self.residents.remove(slot);
        assert!(resident, "the policy chose slot {slot}, which is not resident");
        victims.push(slot);
        u64::from(self.residents.weight(slot))
    }
}

#[cfg(test)]
mod tests;
