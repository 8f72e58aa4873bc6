//! All rules in order, and the file of each failure.

use std::fs;
use std::path::Path;

use super::answers::Judged;
use super::report::{Finding, Line, Report, Verdict};
use super::rule::Rule;
use super::script::Script;
use super::scripted::Failure;
use super::subject::Subject;
use super::{
    batches, generate, handover, instructions, latency, memory, options, scripted, statistics,
};
use crate::plugin::Plugin;
use crate::policy;

/// Checks a policy against every rule.
pub(super) fn run(subject: &Subject, plugin: &Plugin, seed: u64) -> Report {
    let scripts = generate::scripts(subject, seed);
    let mut rules = Vec::new();
    let answers = scripted::answers(subject, &scripts);
    let totals = scripted::totals(&answers);
    for rule in Rule::SCRIPTED {
        let found = scripted::find(rule, subject, &scripts, &answers);
        let mut line = scripted_line(rule, found, &totals, &scripts, plugin);
        if rule == Rule::Snapshot && !handover::saves(subject, &scripts[0]) {
            line = Line::new(rule, Finding::skipped("it saves no state; a swap drains it"), None);
        }
        rules.push(line);
    }
    let mut report =
        Report { policy: plugin.name().into(), sha256: plugin.sha256().into(), seed, rules };
    let fails = report.having(Verdict::Failure).contains(&Rule::Survives.name());
    let last = &scripts[scripts.len() - 1];
    let mut judge = |rule, finding: &dyn Fn() -> Result<Finding, policy::Failure>| {
        let finding = match fails {
            true => Finding::skipped("it does not survive"),
            false => finding().unwrap_or_else(|failure| Finding::failure(format!("it {failure}"))),
        };
        report.rules.push(Line::new(rule, finding, None));
    };
    judge(Rule::Statistics, &|| statistics::judge(subject, last));
    judge(Rule::Options, &|| Ok(options::judge(subject, &last.setup)));
    judge(Rule::Batches, &|| batches::judge(subject, seed));
    judge(Rule::Instructions, &|| instructions::judge(subject, seed));
    judge(Rule::Memory, &|| memory::judge(subject));
    judge(Rule::Ghosts, &|| memory::ghosts(subject));
    judge(Rule::Latency, &|| latency::judge(subject, seed));
    report
}

/// The line of a rule that scripts can show to be broken.
fn scripted_line(
    rule: Rule,
    found: Option<Failure>,
    totals: &Judged,
    scripts: &[Script],
    plugin: &Plugin,
) -> Line {
    let Some(Failure { broken, script }) = found else {
        return Line::new(rule, kept(rule, totals, scripts), None);
    };
    let steps = script.steps.len();
    let place = match broken.step {
        step if step > steps => format!("after step {steps} of {steps}"),
        step => format!("step {step} of {steps}"),
    };
    let seen = format!("{place}: {}", broken.seen);
    let stem = Path::new(plugin.name()).file_stem().unwrap_or_default().to_string_lossy();
    let file = format!("{stem}.{}.jsonl", rule.name());
    let written = script
        .text(rule.name())
        .map_err(std::io::Error::from)
        .and_then(|text| fs::write(&file, text));
    match written {
        Ok(()) => Line::new(rule, Finding::failure(seen), Some(file)),
        Err(error) => {
            let seen = format!("{seen} (and {file} can't be written: {error})");
            Line::new(rule, Finding::failure(seen), None)
        }
    }
}

/// What to say of a rule that no script breaks.
fn kept(rule: Rule, totals: &Judged, scripts: &[Script]) -> Finding {
    let Judged { victims, asked, short, surplus, .. } = *totals;
    let steps: usize = scripts.iter().map(|script| script.steps.len()).sum();
    match rule {
        Rule::Survives => Finding::pass(format!("no failure in {steps} steps")),
        Rule::Resident => {
            Finding::warning_if(victims == 0, format!("{victims} victims, all of them resident"))
        }
        Rule::Need => {
            let seen = format!("{} of {asked} needs were met", asked - short);
            Finding::warning_if(short > 0, seen)
        }
        // Some published algorithms evict two entries where one would do.
        Rule::Surplus => {
            let seen = format!("{surplus} of {victims} victims after the need was met");
            Finding::warning_if(surplus * 4 > victims, seen)
        }
        _ => Finding::pass(says(rule)),
    }
}

fn says(rule: Rule) -> &'static str {
    match rule {
        Rule::MaxVictims => "never more victims than max-victims",
        Rule::Unique => "no victim twice in one answer",
        Rule::NeedZero => "no victims where the need is 0",
        Rule::Unknown => "touches and removals of unknown slots change nothing",
        Rule::Overwrite => "an overwritten entry counts as used",
        Rule::Reuse => "a slot that is removed and admitted in one step is a new entry",
        Rule::Attributes => "more attributes for each entry change nothing",
        Rule::Deterministic => "same seed and same calls, same victims",
        Rule::Drain => "a drain names every entry once",
        Rule::Snapshot => "a restored state goes on as the old one",
        _ => "kept",
    }
}
