//! `psycache policy check`: whether a policy keeps the contract, and what it costs.

mod rule;
mod script;

mod residents;
mod subject;

mod drive;
mod generate;

mod answers;
mod handover;
mod twins;

mod scripted;
mod shrink;

mod cache;
mod deadline;
mod stream;

mod batches;
mod instructions;
mod latency;
mod memory;

mod options;
mod statistics;

mod replay;
mod report;
mod run;

use std::path::PathBuf;

use crate::cli::exit::{Exit, Failure};
use crate::cli::{output, parse};
use crate::plugin::Plugin;

use report::Verdict;
use subject::Subject;

/// Check whether a policy keeps the contract, and what it costs
///
/// One line a rule: pass, warning, failure or skipped, with what was seen and how to mend it.
/// Ends with 1 if there is a failure. What breaks a rule is made small and written to a file
/// in this folder, FILE.RULE.jsonl, for --replay. With --json one object: policy, sha256,
/// seed and rules, each with rule, verdict, seen, mend and replay.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  psycache policy check ./mine.wasm\n  \
    psycache policy check lruk --opt k=3 --json\n  \
    psycache policy check ./mine.wasm --replay mine.overwrite.jsonl")]
pub(in crate::cli) struct Args {
    /// The file, or a built-in's name
    file: String,
    /// An option of the policy; @FILE stands for the file's content
    #[arg(long = "opt", value_name = "K=V", value_parser = parse::pair)]
    opts: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The seed of the random scripts
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run the script in this file again, and nothing else; its options are in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["opts", "seed"])]
    replay: Option<PathBuf>,
}

/// Runs the command.
pub(in crate::cli) fn run(args: Args) -> anyhow::Result<()> {
    parse::each_once(&args.opts)?;
    let plugin = Plugin::resolve(&args.file)?;
    let report = match &args.replay {
        Some(file) => replay::run(&plugin, file, args.json)?,
        None => run::run(&Subject::load(&plugin, args.opts)?, &plugin, args.seed),
    };
    match args.json {
        true => output::json(&report)?,
        false => output::write(report.text().as_bytes())?,
    }
    match report.having(Verdict::Failure).as_slice() {
        [] => Ok(()),
        rules => {
            let message = format!("{} breaks {}", plugin.name(), rules.join(", "));
            Err(Failure::new(Exit::Failed, message).into())
        }
    }
}
