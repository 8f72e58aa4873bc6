//! The compiler on this machine and what it can build.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A compiler.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// The first line of `rustc --version`.
    pub(super) version: String,
    /// The commit it was built from.
    pub(super) commit: String,
    pub(super) sysroot: PathBuf,
}

impl Toolchain {
    /// The one that cargo uses here.
    pub(super) fn of_this_machine() -> Result<Self> {
        let described = rustc(&["--version", "--verbose"])?;
        let version = described.lines().next().unwrap_or_default().to_owned();
        let commit = described.lines().find_map(|line| line.strip_prefix("commit-hash: "));
        let commit = commit.context("`rustc --version --verbose` names no commit")?.to_owned();
        Ok(Self { version, commit, sysroot: rustc(&["--print", "sysroot"])?.into() })
    }

    /// Whether it has the standard library of `target`.
    pub(super) fn builds(&self, target: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let program = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(&program)
        .args(arguments)
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    ensure!(output.status.success(), "{} {arguments:?} failed", program.display());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
