//! What a program with the crate `psycache-client` compiles.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// With what builds them, and that crate itself. `docs/clients.md` has the count.
const MOST_CRATES: usize = 130;

/// What only a node needs.
const OF_A_NODE: [&str; 7] =
    ["axum", "clap", "cranelift", "prometheus", "psycache-plugin", "wasmtime", "x509-parser"];

/// Name and version of each crate that is compiled for Linux.
fn crates() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", "psycache-client"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("names are text");
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    printed.lines().map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn a_client_compiles_no_node() {
    let crates = crates();
    let strays = crates.iter().filter(|name| OF_A_NODE.iter().any(|part| name.starts_with(part)));
    let strays: Vec<_> = strays.collect();
    assert!(strays.is_empty(), "only a node needs {strays:?}");
    let count = crates.len();
    assert!(count < MOST_CRATES, "{count} crates: {crates:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let told = format!("{count} crates");
    assert!(page.contains(&told), "docs/clients.md does not say {told:?}");
}
