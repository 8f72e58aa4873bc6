//! Runs a script again that an earlier check has found.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::report::{Finding, Line, Report};
use super::rule::Rule;
use super::script::Script;
use super::subject::Subject;
use super::{drive, scripted};
use crate::cli::output;
use crate::plugin::{Outside, Plugin};

/// Larger than any script that was made small.
const MOST_BYTES: u64 = 16 << 20;

/// Judges the script in `file` by its rule, and shows its steps with their victims if people
/// read that.
///
/// # Errors
/// The file can't be read, or says what no node would send.
pub(super) fn run(plugin: &Plugin, file: &Path, is_quiet: bool) -> Result<Report> {
    let in_file = || format!("the script {}", file.display());
    let (rule, script) = read(file).and_then(|text| Script::parse(&text)).with_context(in_file)?;
    let known = Rule::SCRIPTED.map(Rule::name).join(", ");
    let rule = Rule::scripted(&rule)
        .ok_or_else(|| anyhow!("line 1: there is no rule {rule:?} of scripts; there are {known}"))
        .with_context(in_file)?;
    let subject = Subject::load(plugin, script.setup.options.clone())?;
    if !is_quiet {
        show(&subject, &script)?;
    }
    let finding = match scripted::judge(rule, &subject, &script) {
        Some(broken) => Finding::failure(format!("step {}: {}", broken.step, broken.seen)),
        None => Finding::pass("the policy keeps the rule in this script"),
    };
    Ok(Report {
        policy: plugin.name().into(),
        sha256: plugin.sha256().into(),
        seed: script.setup.seed,
        rules: vec![Line::new(rule, finding, None)],
    })
}

fn read(file: &Path) -> Result<String> {
    let size = file.metadata().context("it can't be read; check the path")?.len();
    anyhow::ensure!(
        size <= MOST_BYTES,
        "it has {size} bytes, and a script has at most {MOST_BYTES}"
    );
    std::fs::read_to_string(file).context("it can't be read as text")
}

/// Each step as it stands in the file, and what the policy answers.
fn show(subject: &Subject, script: &Script) -> Result<()> {
    let run = drive::run(subject, script, Outside::default());
    for (at, step) in script.steps.iter().enumerate() {
        let answer = match run.answers.get(at) {
            Some(victims) => format!("{victims:?}"),
            None => {
                run.failure.as_ref().map_or("not sent".into(), |failure| format!("it {failure}"))
            }
        };
        output::line(&format!("step {}: {} -> {answer}", at + 1, serde_json::to_string(step)?))?;
        if run.answers.len() <= at {
            break;
        }
    }
    Ok(())
}
