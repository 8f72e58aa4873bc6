//! `cargo xtask bench`: builds the binaries to measure, and runs `benches/`.

use anyhow::Result;

use crate::step::run as step;

/// What to measure.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo xtask bench step --quick")]
pub(crate) struct Arguments {
    /// Which benchmarks, and how; `--help` after `--` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Measures.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    step(".", "cargo build --release --quiet")?;
    // A separate target folder: a policy's library has the same file name for every version of
    // its dependencies, and the next test would use the one of the benchmarks.
    let run = "cargo run --release --quiet --manifest-path benches/Cargo.toml \
               --target-dir target/benches --";
    let words: Vec<&str> =
        run.split(' ').chain(arguments.rest.iter().map(String::as_str)).collect();
    step(".", &words.join(" "))
}
