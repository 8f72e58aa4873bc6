//! The rules for a swap: a policy names all that it holds, and a saved state is worth it.

use super::answers::Broken;
use super::drive::{self, Driver};
use super::residents::Residents;
use super::rule::Rule;
use super::script::{Script, Step};
use super::subject::Subject;
use crate::plugin::Outside;
use crate::policy::{Policy, Snapshot};

/// What a node asks for when it drains a policy.
const ALL: u64 = (1 << 53) - 1;

/// After the script the policy is drained, as a swap does it: it must name each entry once.
pub(super) fn drain(subject: &Subject, script: &Script) -> Option<Broken> {
    let mut driver = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    let run = driver.run(&script.steps);
    if run.failure.is_some() || run.is_impossible {
        return None;
    }
    let mut residents = Residents::default();
    for (step, victims) in script.steps.iter().zip(&run.answers) {
        residents.tell(0, step);
        for slot in victims {
            // Rules about victims look at this.
            let _ = residents.evict(0, *slot);
        }
    }
    let (held, now) = (residents.len(), script.steps.last().map_or(0, |step| step.now));
    let broken = |seen| Some(Broken { rule: Rule::Drain, step: script.steps.len() + 1, seen });
    for _ in 0..=script.setup.max_entries {
        let victims = match driver.step(&Step::asking(ALL, now)) {
            Ok(victims) => victims,
            Err(failure) => return broken(format!("when it was drained it {failure}")),
        };
        if victims.is_empty() {
            break;
        }
        for slot in victims {
            if residents.evict(0, slot).is_err() {
                return broken(format!("when it was drained it named slot {slot}, which is empty"));
            }
        }
    }
    match residents.len() {
        0 => None,
        left => broken(format!(
            "when it was drained it named {} of the {held} entries that it was told of",
            held - left
        )),
    }
}

/// Whether a policy has a state to save.
pub(super) fn saves(subject: &Subject, script: &Script) -> bool {
    let driver = Driver::new(subject, &script.setup, Outside::default());
    driver.is_ok_and(|mut driver| !matches!(driver.policy().save(), Ok(None)))
}

/// Half of the script, then a new instance that restores the saved state goes on with the rest.
/// None too for a policy that saves no state.
pub(super) fn snapshot(subject: &Subject, script: &Script) -> Option<Broken> {
    let half = script.steps.len() / 2;
    let whole = drive::run(subject, script, Outside::default());
    if whole.failure.is_some() || whole.is_impossible {
        return None;
    }
    let broken = |step, seen| Some(Broken { rule: Rule::Snapshot, step, seen });
    let mut old = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    old.run(&script.steps[..half]);
    let state = match old.policy().save() {
        Ok(state) => state?,
        Err(failure) => return broken(half, format!("when it was saved it {failure}")),
    };
    let mut new = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    let foreign = Snapshot { format: "of another policy".into(), bytes: state.bytes.clone() };
    match new.policy().restore(&foreign) {
        Ok(false) => {}
        Ok(true) => return broken(half, "it took a state of another format for its own".into()),
        Err(failure) => {
            return broken(half, format!("given a state of another format it {failure}"));
        }
    }
    match new.policy().restore(&state) {
        Ok(true) => {}
        Ok(false) => return broken(half, "it refused the state that it had saved".into()),
        Err(failure) => return broken(half, format!("given its own state it {failure}")),
    }
    for (at, step) in script.steps.iter().enumerate().skip(half) {
        match new.step(step) {
            Ok(victims) if victims == whole.answers[at] => {}
            Ok(victims) => {
                let seen = format!(
                    "restored after step {half}, it named {victims:?} in place of {:?}",
                    whole.answers[at]
                );
                return broken(at + 1, seen);
            }
            Err(failure) => {
                return broken(at + 1, format!("restored after step {half}, it {failure}"));
            }
        }
    }
    None
}
