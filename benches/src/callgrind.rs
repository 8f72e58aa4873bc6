//! Counts the instructions of a whole process. Other load of the machine does not change them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
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

/// What every node gets that is counted.
const SERVE: [&str; 7] = ["serve", "--listen", "127.0.0.1:0", "--http", "none", "--log", "off"];

/// Instructions of one hit at a node of `command` with these flags: the difference between a run
/// of few hits and one of `hits`. `ask` gets so many hits at the URL.
pub(crate) fn of_a_hit(
    command: &Path,
    flags: &[&str],
    hits: u64,
    ask: impl Fn(&str, u64) -> Result<()>,
) -> Result<f64> {
    // The first start compiles the plugins, and the others find them compiled.
    Server::start(Command::new(command).args(SERVE).args(flags))?.stop()?;
    let count = |hits| {
        let callgrind = Callgrind::new()?;
        let node = Server::start(callgrind.command(command).args(SERVE).args(flags))?;
        ask(&format!("http://{}", node.address()), hits)?;
        node.stop()?;
        callgrind.instructions()
    };
    // The cost of the start and of the first requests is in both runs, and cancels out.
    let few = hits / 5;
    let (least, most) = (count(few)?, count(hits)?);
    ensure!(most > least, "{hits} hits took no more instructions than {few}");
    Ok((most - least) as f64 / (hits - few) as f64)
}
