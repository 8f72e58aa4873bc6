//! `cargo xtask test`: all checks and tests, the cheapest first.

use anyhow::Result;

use crate::step::{optional, run as step};
use crate::{api, plugins, services};

/// Runs every check and test.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo xtask test --no-services")]
pub(crate) struct Arguments {
    /// Leave out the tests that need etcd, MariaDB, PostgreSQL, Redis, clients of Redis or compilers of other languages
    #[arg(long)]
    no_services: bool,
}

/// Modules of tests that start a service are named after it.
const SERVICE_TESTS: [&str; 6] =
    ["with_etcd", "with_mariadb", "with_postgres", "with_redis", "with_clients", "with_languages"];

/// Stands alone, as a policy of a reader's own would.
const EXAMPLE_POLICY: &str = "examples/policies/slru";

/// Stands alone too, and builds the node without WebAssembly.
const EXAMPLE_PROGRAM: &str = "examples/embedding";

/// The protocol of ownership, explored state by state.
const COHERENCE: &str = "tests/models/coherence";

/// Built one after another: in one build cargo would unify their features, and would compile the
/// node's dependencies once more with these.
const PACKAGES: [&str; 3] = ["--package psycache", "--package psycache-models", "--package xtask"];

/// The library alone: `config` does without clap then.
const WITHOUT_CLI: &str = "--package psycache --lib --no-default-features";

/// Takes parts of the protocol away, which nothing else may be built with. It needs no WebAssembly,
/// which would take minutes to compile once more.
const SIMULATION: &str = "--no-default-features --features flaws --test simulation";

/// Fails if a check fails, or can't be run on this machine.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if !arguments.no_services {
        services::ensure()?;
    }
    for folder in [".", "benches", "fuzz", "plugins", EXAMPLE_POLICY, EXAMPLE_PROGRAM, COHERENCE] {
        step(folder, "cargo fmt --all --check")?;
    }
    step(".", "cargo test --release --test architecture")?;
    plugins::check()?;
    for package in PACKAGES {
        step(".", &format!("cargo clippy --release {package} --all-targets -- -D warnings"))?;
    }
    step(".", &format!("cargo clippy --release {WITHOUT_CLI} -- -D warnings"))?;
    step("plugins", "cargo clippy --release --workspace --all-targets -- -D warnings")?;
    let into = "--no-default-features --target-dir ../target";
    step("benches", &format!("cargo clippy --release --all-targets {into} -- -D warnings"))?;
    step(".", "cargo doc --release --no-deps --document-private-items")?;
    api::check()?;
    step("plugins", "cargo test --release --workspace")?;
    let into = "--locked --target-dir ../../../plugins/target";
    step(EXAMPLE_POLICY, &format!("cargo clippy --release --all-targets {into} -- -D warnings"))?;
    step(EXAMPLE_POLICY, &format!("cargo test --release {into}"))?;
    let into = "--locked --target-dir ../../target";
    step(EXAMPLE_PROGRAM, &format!("cargo run --release {into}"))?;
    let skips = match arguments.no_services {
        false => String::new(),
        true => SERVICE_TESTS.map(|module| format!(" --skip {module}")).concat(),
    };
    for package in PACKAGES {
        step(".", &format!("cargo test --release {package} --{skips}"))?;
    }
    step(COHERENCE, "cargo clippy --release --all-targets -- -D warnings")?;
    step(COHERENCE, "cargo test --release")?;
    step(COHERENCE, "cargo run --release -- ci")?;
    step(".", &format!("cargo clippy --release {SIMULATION} -- -D warnings"))?;
    step(".", &format!("cargo test --release {SIMULATION}"))?;
    optional(".", "cargo deny", "cargo deny --all-features check")?;
    if arguments.no_services {
        eprintln!("\nLEFT OUT: the tests in {} (--no-services)", SERVICE_TESTS.join(", "));
    }
    Ok(())
}
