//! Command lines, run one after the other in the folders of the tree.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::root;

/// Runs one command line in a folder of the tree.
pub(crate) fn run(folder: &str, line: &str) -> Result<()> {
    let place = if folder == "." { String::new() } else { format!("  (in {folder}/)") };
    eprintln!("\n==> {line}{place}");
    let start = Instant::now();
    let mut words = line.split(' ');
    let program = words.next().context("a step names a program")?;
    let mut command = Command::new(program);
    command.args(words).current_dir(root().join(folder));
    command.env("RUSTDOCFLAGS", "-D warnings");
    let status = command.status().with_context(|| format!("{program} can't be started"))?;
    if !status.success() {
        bail!("`{line}` failed");
    }
    eprintln!("    {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a step that needs what may be missing; `probe` is a command line that fails then, and the
/// step is left out with a message.
pub(crate) fn optional(folder: &str, probe: &str, line: &str) -> Result<()> {
    let mut words = probe.split(' ');
    let program = words.next().context("a probe names a program")?;
    let probed = Command::new(program).args(words).current_dir(root().join(folder)).output();
    if probed.is_ok_and(|output| output.status.success()) {
        return run(folder, line);
    }
    eprintln!("\nLEFT OUT: `{line}`, because `{probe}` fails here");
    Ok(())
}
