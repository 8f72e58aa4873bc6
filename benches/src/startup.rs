//! From the start of a node to its ready line, with an empty and with a filled
//! cache of compiled components.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::Settings;
use crate::report::{Figure, median};

/// Starts nodes with the built-in policy and retriever.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let Settings { quick, command, .. } = settings;
    let rounds = if *quick { 3 } else { 15 };
    let filled = tempfile::tempdir()?;
    start(command, filled.path())?;
    let mut cold = Vec::new();
    let mut warm = Vec::new();
    for _ in 0..rounds {
        cold.push(start(command, tempfile::tempdir()?.path())?);
        warm.push(start(command, filled.path())?);
    }
    let figure = |case: &str, rounds| Figure {
        bench: "startup",
        case: case.into(),
        subject: "psycache serve".into(),
        value: median(rounds),
        unit: "ms",
    };
    Ok(vec![figure("cold compile cache", cold), figure("warm compile cache", warm)])
}

/// Milliseconds until one node says that it is ready.
fn start(command: &Path, cache: &Path) -> Result<f64> {
    let begin = Instant::now();
    let mut node = Command::new(command)
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"])
        .env("XDG_CACHE_HOME", cache)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} can't be started; build it first", command.display()))?;
    let mut line = String::new();
    let output = node.stdout.take().context("the output is piped")?;
    BufReader::new(output).read_line(&mut line)?;
    let elapsed = begin.elapsed().as_secs_f64() * 1000.0;
    node.kill()?;
    node.wait()?;
    ensure!(line.starts_with("psycache ready"), "the node said {line:?}");
    Ok(elapsed)
}
