//! `cargo xtask`: what developers of the project run.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool prints"
)]

mod plugins;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What developers of PsyCache run")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the plugins of this tree into plugins/dist, or checks what is there
    Plugins(plugins::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Plugins(arguments) => plugins::run(&arguments),
    }
}
