//! Runs scripts against instances of a policy.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::residents::Residents;
use super::script::{Script, Setup, Step};
use super::subject::Subject;
use crate::plugin::{Outside, PolicyInstance};
use crate::policy::{Batch, Failure, Keys, Policy};

/// The victims of each step, up to a step that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) answers: Vec<Vec<u32>>,
    pub(super) failure: Option<Failure>,
    /// It ended before a step that no node would send, given what is resident.
    pub(super) is_impossible: bool,
}

/// An instance that is told steps.
pub(super) struct Driver {
    policy: PolicyInstance,
    named: Arc<Named>,
}

impl Driver {
    pub(super) fn new(subject: &Subject, setup: &Setup, outside: Outside) -> Result<Self, Failure> {
        let named = Arc::new(Named::default());
        let keys = Arc::clone(&named) as Arc<dyn Keys>;
        let policy = subject.instance(&setup.config(), keys, outside)?;
        Ok(Self { policy, named })
    }

    /// The victims of a step.
    pub(super) fn step(&mut self, step: &Step) -> Result<Vec<u32>, Failure> {
        self.step_as(step, step.batch())
    }

    /// The same, told by another batch than the step's own.
    pub(super) fn step_as(&mut self, step: &Step, batch: Batch) -> Result<Vec<u32>, Failure> {
        self.named.tell(step);
        let mut victims = Vec::new();
        self.policy.step(&batch, step.need, step.now, &mut victims)?;
        self.named.forget(&victims);
        Ok(victims)
    }

    /// Takes the steps of a script.
    pub(super) fn run(&mut self, steps: &[Step]) -> Run {
        let (mut run, mut residents) = (Run::default(), Residents::default());
        for step in steps {
            if residents.doubles_a_key(step) {
                run.is_impossible = true;
                break;
            }
            residents.tell(0, step);
            match self.step(step) {
                Ok(victims) => {
                    for slot in &victims {
                        // The rules about victims look at this.
                        let _ = residents.evict(0, *slot);
                    }
                    run.answers.push(victims);
                }
                Err(failure) => {
                    run.failure = Some(failure);
                    break;
                }
            }
        }
        run
    }

    pub(super) fn policy(&mut self) -> &mut PolicyInstance {
        &mut self.policy
    }
}

/// Runs a script on an instance of its own.
pub(super) fn run(subject: &Subject, script: &Script, outside: Outside) -> Run {
    match Driver::new(subject, &script.setup, outside) {
        Ok(mut driver) => driver.run(&script.steps),
        Err(failure) => Run { failure: Some(failure), ..Run::default() },
    }
}

/// The keys of the resident entries, for a policy that asks.
#[derive(Default)]
struct Named {
    /// Numbers of the keys by slot. Locked for a lookup or an update, by one thread.
    keys: Mutex<HashMap<u32, u64>>,
}

impl Named {
    fn tell(&self, step: &Step) {
        let mut keys = self.keys.lock();
        for slot in &step.removed {
            keys.remove(slot);
        }
        keys.extend(step.admitted.iter().map(|stored| (stored.slot, stored.key)));
    }

    fn forget(&self, victims: &[u32]) {
        let mut keys = self.keys.lock();
        for slot in victims {
            keys.remove(slot);
        }
    }
}

impl Keys for Named {
    fn key(&self, slot: u32) -> Option<String> {
        self.keys.lock().get(&slot).map(|key| format!("key-{key}"))
    }
}
