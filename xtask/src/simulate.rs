//! `cargo xtask simulate`: the simulated cluster, with more seeds than a test run
//! has time for, or with one that is to be understood.

use anyhow::{Context, Result, ensure};

use crate::root;

/// The test, and what tells it which seeds.
const TEST: &str = "no_seed_shows_an_older_value";
const SEEDS: &str = "PSYCACHE_SIMULATED_SEEDS";
const SEED: &str = "PSYCACHE_SIMULATED_SEED";

/// Simulates a cluster under faults.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo xtask simulate --seeds 100000")]
pub(crate) struct Arguments {
    /// How many seeds, from 0 on
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// Only this one, and tell what happens in it
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
}

/// Fails if a seed shows something wrong, and says which.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (name, value) = match arguments.seed {
        Some(seed) => (SEED, seed),
        None => (SEEDS, arguments.seeds),
    };
    let mut command = std::process::Command::new("cargo");
    command.args(["test", "--release", "--no-default-features", "--features", "flaws"]);
    command.args(["--test", "simulation", "--"]);
    command.args([TEST, "--exact", "--nocapture"]).env(name, value.to_string());
    let status = command.current_dir(root()).status().context("cargo can't be started")?;
    ensure!(status.success(), "the simulation failed");
    Ok(())
}
