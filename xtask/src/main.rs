//! `cargo xtask`: what developers of the project run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod api;
mod bench;
mod fuzz;
mod plugins;
mod services;
mod simulate;
mod step;
mod test;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What developers of PsyCache run")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs every check and test
    Test(test::Arguments),
    /// Builds the plugins of this tree into plugins/dist, or checks what is there
    Plugins(plugins::Arguments),
    /// Lists the public surface of the library in host/api.txt, or checks the list
    Api(api::Arguments),
    /// Measures, and prints ratios to peers in the same run
    Bench(bench::Arguments),
    /// Looks for inputs that nobody has thought of
    Fuzz(fuzz::Arguments),
    /// Simulates a cluster under faults, with many seeds or one
    Simulate(simulate::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Plugins(arguments) => plugins::run(&arguments),
        Task::Api(arguments) => api::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Simulate(arguments) => simulate::run(&arguments),
    }
}

/// The repository that this binary was built in.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("xtask stands in the repository's root");
    root.to_path_buf()
}
