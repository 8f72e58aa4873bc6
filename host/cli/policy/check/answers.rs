//! The rules about the victims of each step, by a model of what is resident.

use super::drive::Run;
use super::residents::{Gone, Residents};
use super::rule::Rule;
use super::script::{Script, Step};
use crate::policy::Failure;

/// How a policy broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) rule: Rule,
    /// The number of the step, from 1 on.
    pub(super) step: usize,
    pub(super) seen: String,
}

/// What a run shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// The first offence against each rule.
    pub(super) broken: Vec<Broken>,
    pub(super) victims: u64,
    /// Steps with a `need`.
    pub(super) asked: u64,
    /// Answers that left the rest to the node although entries were there.
    pub(super) short: u64,
    /// Victims after `need` was met.
    pub(super) surplus: u64,
    /// What is resident in the end.
    pub(super) residents: Residents,
}

impl Judged {
    /// How `rule` was broken.
    pub(super) fn broken(&self, rule: Rule) -> Option<&Broken> {
        self.broken.iter().find(|broken| broken.rule == rule)
    }

    fn note(&mut self, rule: Rule, number: usize, seen: String) {
        if self.broken(rule).is_none() {
            self.broken.push(Broken { rule, step: number, seen });
        }
    }
}

/// Holds the answers of a run against the rules.
pub(super) fn judge(script: &Script, run: &Run) -> Judged {
    let mut judged = Judged::default();
    let mut was_short = false;
    for (at, (step, victims)) in script.steps.iter().zip(&run.answers).enumerate() {
        let number = at + 1;
        judged.residents.tell(number, step);
        if was_short && step.is_quiet() && step.need > 0 && !victims.is_empty() {
            let seen = format!(
                "it named too few in the step before, and {} more when it was asked again",
                victims.len()
            );
            judged.note(Rule::Need, number, seen);
        }
        was_short = answer(&mut judged, script, number, step, victims);
    }
    if let Some(failure) = &run.failure {
        let number = run.answers.len() + 1;
        let rule = match failure {
            Failure::TooManyVictims { .. } => Rule::MaxVictims,
            _ => Rule::Survives,
        };
        judged.note(rule, number, format!("it {failure}"));
    }
    judged
}

/// Judges one answer, and says whether it left something to the node.
fn answer(
    judged: &mut Judged,
    script: &Script,
    number: usize,
    step: &Step,
    victims: &[u32],
) -> bool {
    let mut freed = 0;
    let mut surplus = 0;
    for slot in victims {
        let is_enough = freed >= step.need;
        match judged.residents.evict(number, *slot) {
            Ok(stored) => {
                freed += u64::from(stored.weight);
                surplus += u64::from(is_enough);
            }
            Err(gone) => {
                let (rule, why) = gone_why(gone, number, *slot, script.setup.max_entries);
                judged.note(rule, number, format!("it named slot {slot}, {why}"));
            }
        }
    }
    judged.victims += victims.len() as u64;
    if step.need == 0 {
        if !victims.is_empty() {
            let seen = format!("it named {} victims, and the need was 0", victims.len());
            judged.note(Rule::NeedZero, number, seen);
        }
        return false;
    }
    judged.asked += 1;
    judged.surplus += surplus;
    let could_name_more = victims.len() < script.setup.max_victims as usize;
    let is_short = freed < step.need && could_name_more && judged.residents.len() > 0;
    judged.short += u64::from(is_short);
    is_short
}

fn gone_why(gone: Gone, number: usize, slot: u32, max_entries: u32) -> (Rule, String) {
    match gone {
        Gone::Never if slot >= max_entries => {
            (Rule::Resident, format!("which is not below max-entries, {max_entries}"))
        }
        Gone::Never => (Rule::Resident, "where nothing was ever stored".into()),
        Gone::Removed(when) if when == number => {
            (Rule::Resident, "whose entry was removed in this step".into())
        }
        Gone::Removed(when) => (Rule::Resident, format!("whose entry was removed in step {when}")),
        Gone::Evicted(when) if when == number => (Rule::Unique, "twice".into()),
        Gone::Evicted(when) => {
            (Rule::Resident, format!("which it had named in step {when} already"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::policy::check::script::{Setup, Stored};

    /// Three entries of weight 2 in slots 0 to 2, then what a test asks for.
    fn judged(steps: &[Step], answers: &[&[u32]]) -> Judged {
        let setup =
            Setup { capacity: 9, max_entries: 4, max_victims: 2, seed: 0, options: Vec::new() };
        let stored = |slot| Stored { slot, key: slot.into(), weight: 2, cost_us: 0, ttl_ms: 0 };
        let first = Step { admitted: (0..3).map(stored).collect(), ..Step::default() };
        let script = Script { setup, steps: [&[first], steps].concat() };
        let mut run = Run::default();
        run.answers.push(Vec::new());
        run.answers.extend(answers.iter().map(|victims| victims.to_vec()));
        judge(&script, &run)
    }

    fn seen(steps: &[Step], answers: &[&[u32]], rule: Rule) -> String {
        judged(steps, answers).broken(rule).expect("it is broken").seen.clone()
    }

    #[test]
    fn an_answer_that_keeps_the_contract_breaks_nothing() {
        let judged = judged(&[Step::asking(3, 0), Step::asking(0, 0)], &[&[2, 0], &[]]);
        assert_eq!(judged.broken, []);
        assert_eq!((judged.victims, judged.asked, judged.short, judged.surplus), (2, 1, 0, 0));
        assert_eq!(judged.residents.len(), 1);
    }

    #[test]
    fn a_victim_must_be_there() {
        let asking = [Step::asking(2, 0), Step::asking(2, 0)];
        let removing = [Step { removed: vec![1], ..Step::asking(2, 0) }, Step::asking(2, 0)];
        for (steps, answers, why) in [
            (&asking, [&[3], &[0]], "slot 3, where nothing was ever stored"),
            (&asking, [&[9], &[0]], "slot 9, which is not below max-entries, 4"),
            (&asking, [&[0], &[0]], "slot 0, which it had named in step 2 already"),
            (&removing, [&[1], &[0]], "slot 1, whose entry was removed in this step"),
            (&removing, [&[0], &[1]], "slot 1, whose entry was removed in step 2"),
        ] {
            let seen = seen(steps, &[answers[0], answers[1]], Rule::Resident);
            assert!(seen.contains(why), "{seen}");
        }
        assert_eq!(seen(&asking, &[&[1, 1], &[]], Rule::Unique), "it named slot 1, twice");
    }

    #[test]
    fn a_need_of_nothing_names_nobody() {
        let seen = seen(&[Step::asking(0, 0)], &[&[1]], Rule::NeedZero);
        assert!(seen.contains("named 1 victims"), "{seen}");
    }

    #[test]
    fn who_says_no_more_must_mean_it() {
        let steps = [Step::asking(4, 0), Step::asking(2, 0)];
        let honest = judged(&steps, &[&[1], &[]]);
        assert_eq!((honest.broken(Rule::Need), honest.short), (None, 2));
        let seen = seen(&steps, &[&[1], &[2]], Rule::Need);
        assert!(seen.contains("1 more when it was asked again"), "{seen}");
    }

    #[test]
    fn what_goes_beyond_the_need_is_counted() {
        assert_eq!(judged(&[Step::asking(2, 0)], &[&[1, 2]]).surplus, 1);
    }
}
