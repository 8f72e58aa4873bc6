//! Rules that two runs show: the contract says that both must end alike.

use super::answers::Broken;
use super::drive::{self, Driver, Run};
use super::residents::Residents;
use super::rule::Rule;
use super::script::{Script, Step, Stored};
use super::subject::Subject;
use crate::plugin::Outside;

/// More than any entries weigh, and below 2^53 as all numbers of the contract.
const ALL: u64 = (1 << 53) - 1;

/// How `rule` is broken by what a policy makes of `script` and of its twin.
pub(super) fn judge(rule: Rule, subject: &Subject, script: &Script) -> Option<Broken> {
    let plain = Outside::default();
    match rule {
        Rule::Unknown => {
            let known = without_unknown(subject, script)?;
            let differs = "slots that are not resident, in `touched` or `removed`, changed what";
            compare(rule, subject, script, &known, differs)
        }
        Rule::Overwrite => {
            let (overwrites, touches) = overwritten(subject, script)?;
            let differs = "entries overwritten with the same attributes, instead of touched, changed \
                           what";
            compare(rule, subject, &overwrites, &touches, differs)
        }
        Rule::Reuse => {
            let (at_once, apart) = reused(script);
            let differs =
                "slots in `removed` and `admitted` of one step, instead of two, changed what";
            compare(rule, subject, &at_once, &apart, differs)
        }
        Rule::Attributes => strided(subject, script),
        Rule::Deterministic => {
            let first = drive::run(subject, script, plain);
            let others = [
                (plain, "the same calls with the same seed once more"),
                (Outside { clock: 1, ..plain }, "another time on the clock of WASI"),
                (Outside { random: 1, ..plain }, "other random numbers from WASI"),
            ];
            others.into_iter().find_map(|(outside, differs)| {
                let other = drive::run(subject, script, outside);
                let step = difference(&first, &other)?;
                let seen = format!("{differs} changed its victims");
                Some(Broken { rule, step, seen })
            })
        }
        _ => None,
    }
}

/// Runs both, drains both, and tells where they differ.
fn compare(
    rule: Rule,
    subject: &Subject,
    one: &Script,
    other: &Script,
    differs: &str,
) -> Option<Broken> {
    let [one, other] = [one, other].map(|script| drained(subject, script));
    let (one, other) = (one?, other?);
    let step = difference(&one, &other)?;
    let at =
        |run: &Run| run.answers.get(step - 1).map_or("failed".into(), |all| format!("{all:?}"));
    let seen = format!("{differs} it named: {} and {}", at(&one), at(&other));
    Some(Broken { rule, step, seen })
}

/// The number of the first step that differs.
fn difference(one: &Run, other: &Run) -> Option<usize> {
    let both = one.answers.iter().zip(&other.answers);
    let alike = both.take_while(|(one, other)| one == other).count();
    let is_prefix = alike == one.answers.len().min(other.answers.len());
    if is_prefix && (one.is_impossible || other.is_impossible || one == other) {
        return None;
    }
    Some(alike + 1)
}

/// Runs a script, and then asks for all that is left.
fn drained(subject: &Subject, script: &Script) -> Option<Run> {
    let mut driver = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    let mut run = driver.run(&script.steps);
    if run.failure.is_some() || run.is_impossible {
        return Some(run);
    }
    let now = script.steps.last().map_or(0, |step| step.now);
    for _ in 0..=script.setup.max_entries {
        match driver.step(&Step::asking(ALL, now)) {
            Ok(victims) if victims.is_empty() => break,
            Ok(victims) => run.answers.push(victims),
            Err(failure) => {
                run.failure = Some(failure);
                break;
            }
        }
    }
    Some(run)
}

/// Puts in place of each step what `change` makes of it and of what is resident then.
fn map(
    subject: &Subject,
    script: &Script,
    mut change: impl FnMut(&Step, &Residents) -> Vec<Step>,
) -> Option<Script> {
    let mut driver = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    let (mut residents, mut steps) = (Residents::default(), Vec::new());
    for step in &script.steps {
        for step in change(step, &residents) {
            let Ok(victims) = driver.step(&step) else {
                return None;
            };
            residents.tell(0, &step);
            for slot in victims {
                // Rules about victims look at this.
                let _ = residents.evict(0, slot);
            }
            steps.push(step);
        }
    }
    Some(Script { setup: script.setup.clone(), steps })
}

fn without_unknown(subject: &Subject, script: &Script) -> Option<Script> {
    map(subject, script, |step, residents| {
        let is_known = |slot: &u32| residents.get(*slot).is_some();
        let mut step = step.clone();
        step.touched.retain(is_known);
        step.removed.retain(is_known);
        vec![step]
    })
}

/// Two scripts in which each overwriting has a step of its own, that keeps the attributes; in
/// the second one it is a touch.
fn overwritten(subject: &Subject, script: &Script) -> Option<(Script, Script)> {
    let split = |is_touch: bool| {
        move |step: &Step, residents: &Residents| {
            let held = |stored: &Stored| {
                let resident = residents.get(stored.slot)?;
                (!step.removed.contains(&stored.slot)).then_some(resident)
            };
            let mut rest = step.clone();
            rest.admitted.retain(|stored| held(stored).is_none());
            let olds = step.admitted.iter().filter_map(held);
            let alone = |old: Stored| match is_touch {
                true => Step { touched: vec![old.slot], now: step.now, ..Step::default() },
                false => Step { admitted: vec![old], now: step.now, ..Step::default() },
            };
            olds.map(alone).chain([rest]).collect()
        }
    };
    Some((map(subject, script, split(false))?, map(subject, script, split(true))?))
}

/// The script, with an empty step before each step that reuses a slot; and with what comes
/// before the reuse in that step. Both have as many steps.
fn reused(script: &Script) -> (Script, Script) {
    let (mut at_once, mut apart) = (Vec::new(), Vec::new());
    for step in &script.steps {
        if !step.admitted.iter().any(|stored| step.removed.contains(&stored.slot)) {
            at_once.push(step.clone());
            apart.push(step.clone());
            continue;
        }
        at_once.extend([Step::asking(0, step.now), step.clone()]);
        let admitting =
            Step { admitted: step.admitted.clone(), ..Step::asking(step.need, step.now) };
        let before = Step { admitted: Vec::new(), need: 0, ..step.clone() };
        apart.extend([before, admitting]);
    }
    let script = |steps| Script { setup: script.setup.clone(), steps };
    (script(at_once), script(apart))
}

/// The same with two attributes more for each entry, which a later version may have.
fn strided(subject: &Subject, script: &Script) -> Option<Broken> {
    const MORE: [u32; 2] = [u32::MAX, 1];
    let first = drive::run(subject, script, Outside::default());
    if first.failure.is_some() || first.is_impossible {
        return None;
    }
    let mut driver = Driver::new(subject, &script.setup, Outside::default()).ok()?;
    for (at, (step, expected)) in script.steps.iter().zip(&first.answers).enumerate() {
        let mut batch = step.batch();
        let known = batch.attributes.chunks(crate::policy::Batch::STRIDE);
        batch.attributes = known.flat_map(|known| known.iter().copied().chain(MORE)).collect();
        let seen = match driver.step_as(step, batch) {
            Ok(victims) if victims == *expected => continue,
            Ok(victims) => format!(
                "two attributes more for each entry changed what it named: {expected:?} and \
                 {victims:?}"
            ),
            Err(failure) => format!("with two attributes more for each entry it {failure}"),
        };
        return Some(Broken { rule: Rule::Attributes, step: at + 1, seen });
    }
    None
}
