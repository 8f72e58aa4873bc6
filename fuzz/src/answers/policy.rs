//! A policy that keeps count of what it was told and answers from a script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use arbitrary::{Arbitrary, Result, Unstructured};
use parking_lot::Mutex;
use psycache::policy::{Batch, Failure, Keys, Policy, PolicyConfig, PolicySource, Snapshot};

/// What a policy is asked ends with this.
type Step<T> = std::result::Result<T, Failure>;

/// What one instance does: whether it can be made, what its steps answer in turn,
/// and what it says of its state. When the script is through, it is honest.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    refuses: bool,
    steps: VecDeque<Answer>,
    save: State,
    restore: State,
}

/// Towards a snapshot.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Offers,
    Has,
    Fails,
}

/// What a step answers.
#[derive(Clone, Debug)]
enum Answer {
    /// What it knows, lowest slot first, until the need is met.
    Honest,
    /// These of what it knows, counted round.
    Known(Vec<u8>),
    /// Slots out of the air.
    Slots(Vec<u8>),
    Slot(u32),
    /// As much of what it knows as may be, twice.
    Twice,
    /// More than it was allowed.
    TooMany,
    Fails(Fault),
    /// Unwinds like a panic. Without the message that libFuzzer would stop at.
    Panics,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Trap,
    Deadline,
    Memory,
    Refused,
}

impl Fault {
    fn failure(self) -> Failure {
        match self {
            Self::Trap => Failure::Trap("scripted".into()),
            Self::Deadline => Failure::Deadline { limit_ms: 1 },
            Self::Memory => Failure::Memory { limit_bytes: 1 },
            Self::Refused => Failure::Refused("scripted".into()),
        }
    }
}

impl<'a> Arbitrary<'a> for Life {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let refuses = u.ratio(1, 16)?;
        let state = |u: &mut Unstructured<'a>| {
            u.choose(&[State::Offers, State::Has, State::Fails]).copied()
        };
        let (save, restore) = (state(u)?, state(u)?);
        let steps = u.arbitrary_iter()?.collect::<Result<_>>()?;
        Ok(Self { refuses, steps, save, restore })
    }
}

impl<'a> Arbitrary<'a> for Answer {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.int_in_range(0..=15)? {
            0..=4 => Self::Honest,
            5..=7 => Self::Known(u.arbitrary()?),
            8..=10 => Self::Slots(u.arbitrary()?),
            11 => Self::Slot(u.arbitrary()?),
            12 => Self::Twice,
            13 => Self::TooMany,
            14 => {
                let faults = [Fault::Trap, Fault::Deadline, Fault::Memory, Fault::Refused];
                Self::Fails(*u.choose(&faults)?)
            }
            _ => Self::Panics,
        })
    }
}

/// Slots that the policy holds, each with the hash that it was admitted with.
pub(super) type Known = BTreeMap<u32, u64>;

/// Instances, each with the next life of the script.
#[derive(Debug)]
pub(super) struct Script {
    name: String,
    lives: Mutex<VecDeque<Life>>,
    /// What the instance made last holds.
    latest: Mutex<Arc<Mutex<Known>>>,
}

impl Script {
    pub(super) fn new(name: impl Into<String>, lives: Vec<Life>) -> Arc<Self> {
        let (name, lives) = (name.into(), Mutex::new(lives.into()));
        Arc::new(Self { name, lives, latest: Mutex::default() })
    }

    /// What the instance made last holds.
    pub(super) fn known(&self) -> Known {
        let latest = Arc::clone(&self.latest.lock());
        let known = latest.lock();
        known.clone()
    }
}

impl PolicySource for Script {
    fn name(&self) -> &str {
        &self.name
    }

    fn instantiate(&self, config: &PolicyConfig, _keys: Arc<dyn Keys>) -> Step<Box<dyn Policy>> {
        let life = self.lives.lock().pop_front().unwrap_or_default();
        if life.refuses {
            return Err(Failure::Refused("scripted".into()));
        }
        let known = Arc::new(Mutex::new(Known::new()));
        *self.latest.lock() = Arc::clone(&known);
        let (max_entries, max_victims) = (config.max_entries, config.max_victims);
        Ok(Box::new(Instance { life, known, max_entries, max_victims, now_ms: 0 }))
    }
}

struct Instance {
    life: Life,
    known: Arc<Mutex<Known>>,
    max_entries: u32,
    max_victims: u32,
    now_ms: u64,
}

impl Policy for Instance {
    fn step(&mut self, batch: &Batch, need: u64, now_ms: u64, victims: &mut Vec<u32>) -> Step<()> {
        assert!(victims.is_empty());
        assert!(need < 1 << 53 && now_ms >= self.now_ms);
        self.now_ms = now_ms;
        let answer = self.life.steps.pop_front().unwrap_or(Answer::Honest);
        let mut known = self.known.lock();
        learn(&mut known, batch, self.max_entries);
        match answer {
            Answer::Honest => {
                // No weights are kept: one victim for each 64 of need is about it.
                let count = need.div_ceil(64).min(self.max_victims.into());
                victims.extend(known.keys().take(count as usize));
            }
            Answer::Known(picks) => {
                let slots: Vec<u32> = known.keys().copied().collect();
                let pick = |pick: u8| slots.get(usize::from(pick) % slots.len().max(1)).copied();
                victims.extend(picks.into_iter().filter_map(pick));
            }
            Answer::Slots(slots) => victims.extend(slots.into_iter().map(u32::from)),
            Answer::Slot(slot) => victims.push(slot),
            Answer::Twice => {
                let some = known.keys().take(self.max_victims as usize / 2);
                victims.extend(some.clone().chain(some));
            }
            Answer::TooMany => victims.extend(0..=self.max_victims),
            Answer::Fails(fault) => return Err(fault.failure()),
            Answer::Panics => std::panic::resume_unwind(Box::new("scripted")),
        }
        // What it names it forgets, whatever the node makes of it.
        for slot in &*victims {
            known.remove(slot);
        }
        Ok(())
    }

    fn statistics(&mut self) -> Step<Vec<(String, f64)>> {
        Ok(vec![("known".into(), self.known.lock().len() as f64)])
    }

    fn save(&mut self) -> Step<Option<Snapshot>> {
        match self.life.save {
            State::Offers => {
                let known = self.known.lock();
                let pairs = known.iter().flat_map(|(slot, hash)| [u64::from(*slot), *hash]);
                let bytes = pairs.flat_map(u64::to_le_bytes).collect();
                Ok(Some(Snapshot { format: "script".into(), bytes }))
            }
            State::Has => Ok(None),
            State::Fails => Err(Fault::Trap.failure()),
        }
    }

    fn restore(&mut self, state: &Snapshot) -> Step<bool> {
        match self.life.restore {
            State::Offers => {
                let numbers = state.bytes.chunks_exact(8);
                let numbers: Vec<u64> = numbers
                    .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight of them")))
                    .collect();
                let pairs = numbers.chunks_exact(2).map(|pair| (pair[0] as u32, pair[1]));
                self.known.lock().extend(pairs);
                Ok(true)
            }
            State::Has => Ok(false),
            State::Fails => Err(Fault::Memory.failure()),
        }
    }
}

/// Takes a batch in, in the order of the contract, and holds the node to its part
/// of that.
fn learn(known: &mut Known, batch: &Batch, max_entries: u32) {
    assert!(batch.touched.iter().all(|slot| known.contains_key(slot)), "touched, not known");
    for slot in &batch.removed {
        assert!(known.remove(slot).is_some(), "{slot} removed, not known");
    }
    assert_eq!(batch.admitted.len(), batch.hashes.len());
    assert_eq!(batch.admitted.len() * Batch::STRIDE, batch.attributes.len());
    assert!(batch.attributes.chunks_exact(Batch::STRIDE).all(|entry| entry[0] > 0), "no weight");
    let mut seen = std::collections::BTreeSet::new();
    for (&slot, &hash) in batch.admitted.iter().zip(&batch.hashes) {
        assert!(slot < max_entries && hash < 1 << 53);
        assert!(seen.insert(slot), "{slot} admitted twice");
        let known_as = known.insert(slot, hash);
        assert!(known_as.is_none_or(|known_as| known_as == hash), "{slot} reused, not removed");
    }
}
