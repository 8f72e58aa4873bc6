//! `cargo xtask bench`: what things cost, next to peers in the same run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod report;
mod sim;
mod startup;
mod step;

use clap::{Parser, ValueEnum};
use report::Figure;

/// Measures, and prints ratios to peers in the same run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    /// Which benchmarks; all of them without a name
    names: Vec<Name>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Fewer and shorter rounds: is it alive, rather than how fast is it
    #[arg(long)]
    quick: bool,
    /// The psycache command to measure, where a benchmark starts one
    #[arg(long, default_value = "target/release/psycache")]
    command: std::path::PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// One step of a policy, as a component and as native code
    Step,
    /// From the start of a node to its ready line
    Startup,
    /// Requests a second through a simulated cache
    Sim,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let chosen = match arguments.names.is_empty() {
        true => Name::value_variants(),
        false => &arguments.names,
    };
    for name in chosen {
        let figures: Vec<Figure> = match name {
            Name::Step => step::run(arguments.quick)?,
            Name::Startup => startup::run(&arguments.command, arguments.quick)?,
            Name::Sim => sim::run(&arguments.command, arguments.quick)?,
        };
        report::print(&figures, arguments.json)?;
    }
    Ok(())
}
