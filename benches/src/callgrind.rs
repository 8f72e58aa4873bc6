//! Counts the instructions of a whole process. Other load of the machine does not change them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::server::Server;

/// One run of a program.
pub(crate) struct Callgrind {
    folder: TempDir,
}

impl Callgrind {
    /// Whether valgrind is installed.
    pub(crate) fn is_installed() -> bool {
        let found = Command::new("valgrind").arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    }

    /// Makes a place for the count.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    /// Runs `program` and counts.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("valgrind");
        let place = self.folder.path().join("counted");
        command
            .args(["--tool=callgrind", "--fair-sched=yes", "-q"])
            .arg(format!("--callgrind-out-file={}", place.display()))
            .arg(program);
        command
    }

    /// Instructions of all threads, once the program has ended.
    pub(crate) fn instructions(self) -> Result<u64> {
        let place = self.folder.path().join("counted");
        let text = fs::read_to_string(&place).context("callgrind wrote nothing")?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.context("callgrind wrote no total")?.trim();
        total.parse().with_context(|| format!("callgrind counted {total:?}"))
    }
}

/// Instructions of a node of `command` with these flags, which is asked at its URL.
pub(crate) fn of_node(
    command: &Path,
    flags: &[&str],
    ask: impl FnOnce(&str) -> Result<()>,
) -> Result<u64> {
    let callgrind = Callgrind::new()?;
    let mut serve = callgrind.command(command);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "none", "--log", "off"]);
    let node = Server::start(serve.args(flags))?;
    ask(&format!("http://{}", node.address()))?;
    node.stop()?;
    callgrind.instructions()
}
