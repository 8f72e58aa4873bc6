//! `cargo xtask bench`: measures costs, next to peers in the same run.
//!
//! A benchmark is a file with a `run` and a line in [`BENCHMARKS`].
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod caches;
mod callgrind;
mod cluster;
mod database;
mod fidelity;
mod growth;
mod heap;
mod hit_path;
mod hostile;
mod linear_memory;
mod listeners;
mod members;
mod outage;
mod overhead;
mod processor;
mod redis;
mod remote;
mod report;
mod serve;
mod server;
mod sim;
mod sources;
mod startup;
mod step;
mod streams;
mod swap;
mod telemetry;
mod tokens;

use std::path::PathBuf;

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser};
use report::Figure;

/// Name, what it measures, and how it is run: in the order of their names.
const BENCHMARKS: &[(&str, &str, Run)] = &[
    ("cluster", "An idle node and a remove, among few nodes and many", cluster::run),
    ("fidelity", "Hits lost to the lossy way of telling a policy", fidelity::run),
    ("growth", "What more entries do to the cost of one", growth::run),
    ("hit-path", "A get from memory, next to other caches in their own process", hit_path::run),
    ("hostile", "A get by others while a client tries to use the node up", hostile::run),
    ("listeners", "What shadows and a recording add to a hit", listeners::run),
    ("members", "What cluster size costs the registry and the network", members::run),
    ("outage", "Gets while the database is down, and how long until all is well", outage::run),
    ("redis", "Processor time of a get by a Redis client, next to redis-server", redis::run),
    ("remote", "Gets of what another node has in memory, next to groupcache", remote::run),
    ("serve", "Processor time of a get over gRPC, next to a bare echo", serve::run),
    ("sim", "Requests a second through a simulated cache, and the time of a curve", sim::run),
    (
        "sources",
        "Loads from real databases, next to the same retriever without a sandbox",
        sources::run,
    ),
    ("startup", "From the start of a node to its ready line", startup::run),
    ("step", "One step of a policy, as a component and as native code", step::run),
    ("swap", "A swap and a recovery with a million entries, and gets meanwhile", swap::run),
    ("telemetry", "Instructions of a hit with telemetry and without", telemetry::run),
    ("tokens", "Instructions of a hit with a token and without", tokens::run),
];

type Run = fn(&Settings) -> anyhow::Result<Vec<Figure>>;

/// Measures, and prints ratios to peers in the same run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
#[command(after_help = "Example: cargo xtask bench step --quick")]
struct Arguments {
    /// Which benchmarks; all of them without a name
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    names: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What every benchmark is told.
#[derive(Debug, clap::Args)]
struct Settings {
    /// Fewer and shorter rounds: is it alive, rather than how fast is it
    #[arg(long)]
    quick: bool,
    /// The psycache command to measure, where a benchmark starts one
    #[arg(long, default_value = "target/release/psycache")]
    command: PathBuf,
    /// A folder of recorded streams (`NAME.txt.gz`, a key a line) to go through too
    #[arg(long)]
    traces: Option<PathBuf>,
    /// The part of one benchmark that runs in a process of its own
    #[arg(long, hide = true)]
    part: Option<String>,
}

fn names() -> impl Iterator<Item = PossibleValue> {
    BENCHMARKS.iter().map(|(name, about, _)| PossibleValue::new(*name).help(*about))
}

fn main() -> anyhow::Result<()> {
    let Arguments { names, json, settings } = Arguments::parse();
    for (name, _, run) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            report::print(&run(&settings)?, json)?;
        }
    }
    Ok(())
}
