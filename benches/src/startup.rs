//! From the start of a node to its ready line, with an empty and with a filled
//! cache of compiled components.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::Settings;
use crate::report::{Figure, median};
use crate::server::Server;

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
    let mut serve = Command::new(command);
    serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"]);
    let _node = Server::start(serve.env("XDG_CACHE_HOME", cache))?;
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}
