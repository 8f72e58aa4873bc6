//! The rules that scripts can show to be broken: judges each, and shrinks what fails.

use std::time::{Duration, Instant};

use super::answers::{self, Broken, Judged};
use super::drive;
use super::rule::Rule;
use super::script::Script;
use super::subject::Subject;
use super::{handover, shrink, twins};
use crate::plugin::Outside;

/// The time for judging one rule.
const JUDGING: Duration = Duration::from_millis(300);
/// The time for making a script small.
const SHRINKING: Duration = Duration::from_secs(1);

/// A broken rule, with the smallest script that was found for it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) broken: Broken,
    pub(super) script: Script,
}

/// How `rule` is broken in `script`.
pub(super) fn judge(rule: Rule, subject: &Subject, script: &Script) -> Option<Broken> {
    match rule {
        Rule::Unknown | Rule::Overwrite | Rule::Reuse | Rule::Attributes | Rule::Deterministic => {
            twins::judge(rule, subject, script)
        }
        Rule::Drain => handover::drain(subject, script),
        Rule::Snapshot => handover::snapshot(subject, script),
        _ => {
            let run = drive::run(subject, script, Outside::default());
            if run.is_impossible {
                return None;
            }
            answers::judge(script, &run).broken(rule).cloned()
        }
    }
}

/// The first of `scripts` that breaks `rule`, made small.
pub(super) fn find(
    rule: Rule,
    subject: &Subject,
    scripts: &[Script],
    answers: &[Judged],
) -> Option<Failure> {
    let until = Instant::now() + JUDGING;
    let mut pairs = scripts.iter().zip(answers).enumerate();
    let (_, (script, _)) = pairs.find(|(nth, (script, answers))| {
        // A slow policy is judged by fewer scripts.
        let is_late = *nth > 0 && Instant::now() > until;
        match rule.is_about_answers() {
            true => answers.broken(rule).is_some(),
            false => !is_late && judge(rule, subject, script).is_some(),
        }
    })?;
    let until = Instant::now() + SHRINKING;
    let is_broken = |script: &Script| judge(rule, subject, script).is_some();
    let script = shrink::shrink(script.clone(), until, is_broken);
    let broken = judge(rule, subject, &script)?;
    Some(Failure { broken, script })
}

/// The answers to each script.
pub(super) fn answers(subject: &Subject, scripts: &[Script]) -> Vec<Judged> {
    let judged = |script| answers::judge(script, &drive::run(subject, script, Outside::default()));
    scripts.iter().map(judged).collect()
}

/// What they come to.
pub(super) fn totals(answers: &[Judged]) -> Judged {
    let mut totals = Judged::default();
    for judged in answers {
        totals.victims += judged.victims;
        totals.asked += judged.asked;
        totals.short += judged.short;
        totals.surplus += judged.surplus;
    }
    totals
}
