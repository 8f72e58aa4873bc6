//! One step of the LRU, as a component and as native code, and of other policies next to it.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{Attributes, Batch, Native, Policy, PolicyConfig, PolicySource};
use psycache_policy_lru::Lru;

use crate::Settings;
use crate::linear_memory::NoKeys;
use crate::report::{Figure, median};

const COMPONENTS: [&str; 3] = ["lru", "s3fifo", "adaptive"];
const ENTRIES: u32 = 100_000;
const FEW: u32 = 64;
const MANY: u32 = 256;
/// Steps of a round: some tenths of a millisecond.
const STEPS: u32 = 200;

/// Times steps that do nothing, that only touch, and that turn over entries.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let rounds = if settings.quick { 20 } else { 500 };
    let mut subjects: Vec<(String, Box<dyn Policy>)> = vec![("lru native".into(), native()?)];
    for name in COMPONENTS {
        subjects.push((format!("{name}.wasm"), component(name)?));
    }
    for (_, policy) in &mut subjects {
        fill(policy.as_mut())?;
    }
    let mut figures = Vec::new();
    for case in [Case::Empty, Case::Touches, Case::Turnover] {
        let mut rounds_of = vec![Vec::new(); subjects.len()];
        let mut draws = Draws(1);
        // The rounds alternate, so that a change of the machine's speed affects both. They are
        // short, so that the median ignores rounds that another process disturbed.
        for _ in 0..rounds {
            for ((_, policy), rounds) in subjects.iter_mut().zip(&mut rounds_of) {
                rounds.push(time(case, policy.as_mut(), &mut draws)?);
            }
        }
        for ((subject, _), rounds) in subjects.iter().zip(rounds_of) {
            figures.push(Figure {
                bench: "step",
                case: case.name().into(),
                subject: subject.clone(),
                value: median(rounds),
                unit: "ns",
            });
        }
    }
    Ok(figures)
}

#[derive(Clone, Copy)]
enum Case {
    Empty,
    Touches,
    Turnover,
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "a step without events",
            Self::Touches => "a step of 256 touches",
            Self::Turnover => "a step of 64 touches, 64 admissions, 64 victims",
        }
    }
}

/// Nanoseconds a step, the mean of a round.
fn time(case: Case, policy: &mut dyn Policy, draws: &mut Draws) -> Result<f64> {
    let mut batch = Batch::default();
    let mut victims = Vec::new();
    let mut elapsed = 0;
    for _ in 0..STEPS {
        // The victims of a step are the next one's new entries.
        batch.clear();
        match case {
            Case::Empty => {}
            Case::Touches => batch.touched.extend((0..MANY).map(|_| draws.next(ENTRIES))),
            Case::Turnover => {
                batch.touched.extend((0..FEW).map(|_| draws.next(ENTRIES)));
                victims.drain(..).for_each(|slot| admit(&mut batch, slot));
            }
        }
        let need = if matches!(case, Case::Turnover) { u64::from(FEW) } else { 0 };
        victims.clear();
        let begin = Instant::now();
        policy.step(&batch, need, 1, &mut victims)?;
        elapsed += begin.elapsed().as_nanos();
    }
    // What left with the last step comes back, for the next round.
    batch.clear();
    victims.drain(..).for_each(|slot| admit(&mut batch, slot));
    policy.step(&batch, 0, 1, &mut victims)?;
    Ok(elapsed as f64 / f64::from(STEPS))
}

fn fill(policy: &mut dyn Policy) -> Result<()> {
    let mut batch = Batch::default();
    for slots in (0..ENTRIES).collect::<Vec<_>>().chunks(1024) {
        batch.clear();
        slots.iter().for_each(|slot| admit(&mut batch, *slot));
        policy.step(&batch, 0, 1, &mut Vec::new())?;
    }
    Ok(())
}

fn admit(batch: &mut Batch, slot: u32) {
    let attributes = Attributes::new(1);
    batch.admit(slot, u64::from(slot), attributes);
}

/// A policy as the node loads it.
fn component(name: &str) -> Result<Box<dyn Policy>> {
    let engines = Engines::new(&CompileCache::Off)?;
    let plugin = Plugin::resolve(name)?;
    let policy = PolicyComponent::load(&engines, plugin, &config(), PolicyLimits::default())?;
    Ok(policy.instantiate(&config(), Arc::new(NoKeys))?)
}

/// The LRU without WebAssembly.
fn native() -> Result<Box<dyn Policy>> {
    Ok(Native::<Lru>::new("lru").instantiate(&config(), Arc::new(NoKeys))?)
}

fn config() -> PolicyConfig {
    let mut config = PolicyConfig::new(ENTRIES.into(), ENTRIES);
    config.max_victims = 1024;
    config
}

/// Even draws that cost next to nothing (G. Marsaglia, "Xorshift RNGs", 2003).
struct Draws(u32);

impl Draws {
    fn next(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        ((u64::from(self.0) * u64::from(below)) >> 32) as u32
    }
}
