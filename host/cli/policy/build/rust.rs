//! Runs cargo for a policy in Rust, and finds the module that it made.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// Modules for it import nothing.
const TARGET: &str = "wasm32-unknown-unknown";

/// A line that cargo prints about what it has done.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        target: Target,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Builds the crate in `folder`, and gives the path of its module.
///
/// # Errors
/// A tool or the target is missing, with the command that brings it; it does not build, which
/// cargo has told by then; it makes no module.
pub(super) fn build(folder: &Path) -> Result<PathBuf> {
    check_target(folder)?;
    let mut cargo = Command::new(tool("CARGO", "cargo"));
    cargo
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(folder)
        // What it says of its work is for people.
        .stderr(Stdio::inherit());
    let output = run(cargo)?;
    ensure!(output.status.success(), "cargo could not build it; what it said stands above");
    let manifest = folder.join("Cargo.toml").canonicalize().context("Cargo.toml")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let messages = printed.lines().filter_map(|line| serde_json::from_str(line).ok());
    let own = |message| match message {
        Message::CompilerArtifact { manifest_path, target, filenames }
            if manifest_path == manifest
                && target.crate_types.iter().any(|kind| kind == "cdylib") =>
        {
            filenames.into_iter().find(|file| file.extension().is_some_and(|end| end == "wasm"))
        }
        _ => None,
    };
    let Some(module) = messages.filter_map(own).next() else {
        bail!(
            "it makes no module; write crate-type = [\"cdylib\", \"rlib\"] below [lib] in Cargo.toml"
        );
    };
    Ok(module)
}

/// Whether the compiler that cargo will use can build for WebAssembly.
fn check_target(folder: &Path) -> Result<()> {
    let mut rustc = Command::new(tool("RUSTC", "rustc"));
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder);
    let output = run(rustc)?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    let is_there = output.status.success() && Path::new(libraries.trim()).is_dir();
    ensure!(is_there, "the compiler lacks the target {TARGET}; run `rustup target add {TARGET}`");
    Ok(())
}

/// Another one may be named by the variable, as cargo itself reads it.
fn tool(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| name.into())
}

fn run(mut command: Command) -> Result<std::process::Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) => Ok(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{name} was not found; https://rustup.rs brings the tools of Rust")
        }
        Err(error) => Err(error).with_context(|| format!("{name} can't be run")),
    }
}
