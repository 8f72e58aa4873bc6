//! Command lines, run one after the other in the folders of the tree.

use std::io::{self, Write};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::root;

/// Runs one command line in a folder of the tree, and shows its output as it comes.
pub(crate) fn run(folder: &str, line: &str) -> Result<()> {
    eprintln!("\n{}", title(folder, line));
    let start = Instant::now();
    let status = command(folder, line)?.status().with_context(|| unstarted(line))?;
    ensure!(status.success(), "`{line}` failed");
    eprintln!("    {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs one command line beside others, and shows its output when it has ended.
pub(crate) fn run_beside(folder: &str, line: &str) -> Result<()> {
    let start = Instant::now();
    let output = command(folder, line)?.output().with_context(|| unstarted(line))?;
    let mut shown = io::stderr().lock();
    writeln!(shown, "\n{}", title(folder, line))?;
    shown.write_all(&output.stdout)?;
    shown.write_all(&output.stderr)?;
    ensure!(output.status.success(), "`{line}` failed");
    writeln!(shown, "    {:.0} s", start.elapsed().as_secs_f64())?;
    Ok(())
}

fn title(folder: &str, line: &str) -> String {
    let place = if folder == "." { String::new() } else { format!("  (in {folder}/)") };
    format!("==> {line}{place}")
}

fn command(folder: &str, line: &str) -> Result<Command> {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().context("a step names a program")?);
    command.args(words).current_dir(root().join(folder));
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(command)
}

fn unstarted(line: &str) -> String {
    format!("`{line}` can't be started")
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
