//! Random scripts: made while they run, so that they remove and touch what is there.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};

use super::drive::Driver;
use super::residents::Residents;
use super::script::{Script, Setup, Step, Stored};
use super::subject::Subject;
use crate::plugin::Outside;

/// Steps of a script: museum pieces that break after a hundred are found.
const STEPS: usize = 240;
/// As many are enough of a policy that takes long.
const FEW_STEPS: usize = 120;
const TIME: Duration = Duration::from_millis(100);

/// `max-entries`, `max-victims` and the largest weight of each script.
const SHAPES: [(u32, u32, u32); 6] =
    [(1, 1, 1), (4, 4, 1), (16, 2, 1), (48, 64, 1), (16, 16, 9), (64, 8, 5)];

/// Scripts of several shapes. A policy that fails ends its script early.
pub(super) fn scripts(subject: &Subject, seed: u64) -> Vec<Script> {
    let script = |(nth, &(max_entries, max_victims, most)): (u64, &(u32, u32, u32))| {
        let setup = Setup {
            // An average load: a third of the slots stays free.
            capacity: (u64::from(max_entries) * u64::from(most + 1) / 3).max(u64::from(most)),
            max_entries,
            max_victims,
            seed: seed.wrapping_add(nth) % (1 << 53),
            options: subject.options().to_vec(),
        };
        Generator::new(setup, most, seed.wrapping_mul(31).wrapping_add(nth)).script(subject)
    };
    (0..).zip(&SHAPES).map(script).collect()
}

struct Generator {
    setup: Setup,
    most_weight: u32,
    random: StdRng,
    residents: Residents,
    now: u64,
}

impl Generator {
    fn new(setup: Setup, most_weight: u32, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { setup, most_weight, random, residents: Residents::default(), now: 0 }
    }

    fn script(mut self, subject: &Subject) -> Script {
        let mut steps = Vec::new();
        let mut driver = Driver::new(subject, &self.setup, Outside::default()).ok();
        let mut owed = 0;
        let until = Instant::now() + TIME;
        while steps.len() < FEW_STEPS || (steps.len() < STEPS && Instant::now() < until) {
            // Who said "no more" is asked again, before anything else happens.
            let step = if owed > 0 { Step::asking(owed, self.now) } else { self.step() };
            self.residents.tell(steps.len(), &step);
            let need = step.need;
            let answer = driver.as_mut().map(|driver| driver.step(&step));
            steps.push(step);
            let Some(Ok(victims)) = answer else { break };
            let evicted = victims.iter().filter_map(|slot| self.residents.evict(0, *slot).ok());
            let freed: u64 = evicted.map(|stored| u64::from(stored.weight)).sum();
            let is_short = freed < need && victims.len() < self.setup.max_victims as usize;
            let is_asked_again = owed > 0;
            owed = if is_short && !is_asked_again { need - freed } else { 0 };
        }
        Script { setup: self.setup, steps }
    }

    fn step(&mut self) -> Step {
        self.now += self.random.random_range(0..5);
        let mut step = Step { now: self.now, ..Step::default() };
        for _ in 0..self.random.random_range(0..8) {
            step.touched.push(self.slot(8));
        }
        if self.random.random_ratio(1, 3) {
            for _ in 0..self.random.random_range(1..3) {
                let slot = self.slot(4);
                if !step.removed.contains(&slot) {
                    step.removed.push(slot);
                }
            }
        }
        for _ in 0..self.random.random_range(0..4) {
            self.admit(&mut step);
        }
        step.need = self.need(&step);
        step
    }

    /// A resident slot, or one time in so many any.
    fn slot(&mut self, one_in: u32) -> u32 {
        let any = self.random.random_range(0..self.setup.max_entries);
        if self.random.random_ratio(1, one_in) {
            return any;
        }
        self.residents.slots().choose(&mut self.random).unwrap_or(any)
    }

    /// Mostly into a free slot, else over a resident entry or into a slot that this step frees.
    fn admit(&mut self, step: &mut Step) {
        let is_used = |slot: u32| step.admitted.iter().any(|stored| stored.slot == slot);
        let is_free = |slot: u32| self.residents.get(slot).is_none();
        let slot = match self.random.random_range(0..6) {
            0 => self.residents.slots().choose(&mut self.random),
            1 => step.removed.first().copied(),
            _ => (0..self.setup.max_entries).filter(|slot| is_free(*slot)).choose(&mut self.random),
        };
        let Some(slot) = slot.filter(|slot| !is_used(*slot)) else { return };
        let key = match self.residents.get(slot).filter(|_| !step.removed.contains(&slot)) {
            // An overwritten entry keeps its key.
            Some(resident) => resident.key,
            None => self.key(),
        };
        let weight = self.random.random_range(1..=self.most_weight);
        let cost_us = self.random.random_range(0..3) * 1_000;
        let ttl_ms = self.random.random_range(0..2) * 60_000;
        step.admitted.push(Stored { slot, key, weight, cost_us, ttl_ms });
        if self.residents.doubles_a_key(step) {
            step.admitted.pop();
        }
    }

    /// One of few, so that keys come back.
    fn key(&mut self) -> u64 {
        self.random.random_range(0..4 * u64::from(self.setup.max_entries))
    }

    /// What the entries weigh beyond the capacity; now and then a little more, or anything.
    fn need(&mut self, step: &Step) -> u64 {
        let mut after = self.residents.clone();
        after.tell(0, step);
        let excess = after.held().saturating_sub(self.setup.capacity);
        match self.random.random_range(0..10) {
            0 => excess + self.random.random_range(0..=self.setup.capacity / 2),
            _ => excess,
        }
    }
}
