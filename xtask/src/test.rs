//! `cargo xtask test`: all checks and tests, the cheapest first.

use std::thread;

use anyhow::Result;

use crate::step::{optional, run as step, run_beside as beside};
use crate::{api, plugins, services};

/// Runs every check and test.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo xtask test --no-services")]
pub(crate) struct Arguments {
    /// Leave out the tests that need etcd, a database, Chromium, or clients or compilers of other languages
    #[arg(long)]
    no_services: bool,
}

/// Modules of tests that start a service are named after it.
const SERVICE_TESTS: [&str; 7] = [
    "with_etcd",
    "with_mariadb",
    "with_postgres",
    "with_redis",
    "with_chromium",
    "with_clients",
    "with_languages",
];

/// Stands alone, as a policy of a reader's own would.
const EXAMPLE_POLICY: &str = "examples/policies/slru";

/// Stands alone too, and builds the node without WebAssembly.
const EXAMPLE_PROGRAM: &str = "examples/embedding";

/// The protocol of ownership and the sets of a client, explored state by state.
const COHERENCE: &str = "tests/models/coherence";

/// Built one after another: in one build cargo would unify their features, and would compile the
/// node's dependencies once more with these.
const PACKAGES: [&str; 3] = ["--package psycache", "--package psycache-models", "--package xtask"];

/// How the node is compiled for its tests; the path is below the root of the tree.
const CHECKED: &str = "--config .cargo/checked.toml";

/// For tests that compute little, and would wait longer for the compiler.
const NODE_QUICKLY: &str = "--config profile.release.package.psycache.opt-level=1";
const ALL_QUICKLY: &str = "--config profile.release.opt-level=1";

/// The library alone: `config` does without clap then.
const WITHOUT_CLI: &str = "--package psycache --lib --no-default-features --features node";

/// The node and the crate of the client. They are built together: alone the client selects fewer
/// features, with which cargo would compile most dependencies once more. Clippy checks it alone.
const NODE: &str = "--package psycache --package psycache-client";

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
    step(".", &format!("cargo {CHECKED} test --release --test architecture"))?;
    // What they run is built before, as two builds at once only wait for each other.
    step(".", &format!("cargo {CHECKED} test --release {NODE} --no-run"))?;
    thread::scope(|scope| {
        // The node's tests wait for services, time-outs and leases more than they compute.
        let beside = scope.spawn(|| others().and_then(|()| lints()));
        let node = node(arguments);
        let beside = beside.join().expect("no step panics");
        if let (Err(_), Err(error)) = (&node, &beside) {
            eprintln!("{error:#}");
        }
        node.and(beside)
    })?;
    for shipped in [".", "plugins"] {
        supply_chain(shipped)?;
    }
    if arguments.no_services {
        eprintln!("\nLEFT OUT: the tests in {} (--no-services)", SERVICE_TESTS.join(", "));
    }
    Ok(())
}

/// What a crate that is shipped depends on.
fn supply_chain(folder: &str) -> Result<()> {
    let deny = "cargo deny --all-features";
    optional(folder, "cargo deny --version", &format!("{deny} check bans licenses sources"))?;
    // Advisories change without a change of the tree, and come from a database elsewhere.
    let advisories = format!("{deny} check --disable-fetch advisories");
    optional(folder, "cargo deny fetch db", &advisories)
}

/// The tests of the node itself.
fn node(arguments: &Arguments) -> Result<()> {
    let skips = match arguments.no_services {
        false => String::new(),
        true => SERVICE_TESTS.map(|module| format!(" --skip {module}")).concat(),
    };
    step(".", &format!("cargo {CHECKED} test --release {NODE} --{skips}"))
}

/// The plugins, the models, and the tests of what stands beside the node.
fn others() -> Result<()> {
    plugins::check()?;
    beside(COHERENCE, "cargo test --release")?;
    beside(COHERENCE, "cargo run --release -- ci")?;
    beside(".", "cargo test --release --package psycache-models")?;
    beside(".", "cargo test --release --package xtask")?;
    beside("plugins", &format!("cargo {ALL_QUICKLY} test --release --workspace"))?;
    let into = "--locked --target-dir ../../../plugins/target";
    beside(EXAMPLE_POLICY, &format!("cargo {ALL_QUICKLY} test --release {into}"))?;
    let run = "run --release --locked --target-dir ../../target";
    beside(EXAMPLE_PROGRAM, &format!("cargo --config ../../.cargo/checked.toml {run}"))?;
    beside(".", &format!("cargo {NODE_QUICKLY} test --release {SIMULATION}"))
}

/// What reads the sources.
fn lints() -> Result<()> {
    for package in PACKAGES {
        beside(".", &format!("cargo clippy --release {package} --all-targets -- -D warnings"))?;
    }
    // The last one lints the library without a node, too.
    for alone in [WITHOUT_CLI, SIMULATION, "--package psycache-client --all-targets"] {
        beside(".", &format!("cargo clippy --release {alone} -- -D warnings"))?;
    }
    let all = "cargo clippy --release --all-targets";
    // The tests that want a server are behind a feature.
    beside("plugins", &format!("{all} --workspace --all-features -- -D warnings"))?;
    beside(
        "benches",
        &format!("{all} --no-default-features --target-dir ../target -- -D warnings"),
    )?;
    beside(
        EXAMPLE_POLICY,
        &format!("{all} --locked --target-dir ../../../plugins/target -- -D warnings"),
    )?;
    beside(COHERENCE, &format!("{all} -- -D warnings"))?;
    beside(".", "cargo doc --release --no-deps --document-private-items")?;
    api::check()
}
