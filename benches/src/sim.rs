//! Requests a second through a simulated cache, over a generated stream.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::Settings;
use crate::report::{Figure, median};

/// Runs `psycache sim` for each built-in policy.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let requests = if settings.quick { 300_000 } else { 3_000_000 };
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("skewed.txt");
    write_trace(&trace, requests)?;
    let mut figures = Vec::new();
    for policy in ["lru", "fifo", "lfu", "lruk", "twoq", "sieve", "s3fifo", "gdsf", "adaptive"] {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let begin = Instant::now();
            let status = Command::new(&settings.command)
                .args(["sim", "--capacity", "10000", "--policy", policy])
                .arg(&trace)
                .stdout(Stdio::null())
                .status()
                .with_context(|| format!("{} can't be started", settings.command.display()))?;
            ensure!(status.success(), "`psycache sim --policy {policy}` failed");
            rounds.push(requests as f64 / begin.elapsed().as_secs_f64() / 1e6);
        }
        figures.push(Figure {
            bench: "sim",
            case: "skewed stream, capacity 10,000 of 100,000 keys".into(),
            subject: format!("{policy}.wasm"),
            value: median(rounds),
            unit: "M requests/s",
        });
    }
    Ok(figures)
}

/// Keys of which few are asked for often: the product of two even draws.
fn write_trace(path: &Path, requests: u64) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..requests {
        let skewed = draw() * draw() * draw();
        writeln!(file, "{}", (skewed * 100_000.0) as u64)?;
    }
    file.flush().context("the stream can't be written")
}
