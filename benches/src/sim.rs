//! `psycache sim` over a generated stream: requests a second of processor time for one row, from
//! text and from a binary trace, and the time of a whole curve.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::report::{Figure, median};
use crate::{Settings, processor};

const BENCH: &str = "sim";

const POLICIES: [&str; 9] =
    ["lru", "fifo", "lfu", "lruk", "twoq", "sieve", "s3fifo", "gdsf", "adaptive"];

/// Distinct keys of the stream.
const KEYS: f64 = 100_000.0;

/// Capacities of the curve.
const CAPACITIES: u64 = 50;

/// Runs `psycache sim` for each built-in policy, for LRU over a binary trace, and for a curve.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let (requests, long) =
        if settings.quick { (1_000_000, 1_000_000) } else { (5_000_000, 10_000_000) };
    let folder = tempfile::tempdir()?;
    let [text, binary, curve] =
        ["skewed.txt", "skewed.bin", "curve.txt"].map(|name| folder.path().join(name));
    write_trace(&text, requests, |file, _, key| writeln!(file, "{key}"))?;
    write_trace(&binary, requests, |file, at, key| file.write_all(&oracle_general(at, key)))?;
    write_trace(&curve, long, |file, _, key| writeln!(file, "{key}"))?;

    let mut figures = Vec::new();
    let row = |case: &str, format: &str, policy: &str, trace: &Path| -> Result<Figure> {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let asked = ["--format", format, "--capacity", "10000", "--policy", policy];
            let (processor, _) = simulate(settings, trace, &asked)?;
            rounds.push(requests as f64 / processor.as_secs_f64().max(0.01) / 1e6);
        }
        let subject = format!("{policy}.wasm");
        let case = format!("{case}, capacity 10,000 of 100,000 keys");
        Ok(Figure { bench: BENCH, case, subject, value: median(rounds), unit: "M requests/CPU s" })
    };
    for policy in POLICIES {
        figures.push(row("text", "keys", policy, &text)?);
    }
    figures.push(row("binary", "oracleGeneral", "lru", &binary)?);

    let capacities: Vec<String> =
        (1..=CAPACITIES).map(|at| (at * KEYS as u64 / CAPACITIES).to_string()).collect();
    let asked = ["--policy", "lru", "--capacity", &capacities.join(",")];
    let (processor, elapsed) = simulate(settings, &curve, &asked)?;
    let case = format!("a curve of {CAPACITIES} capacities over {long} requests");
    for (value, unit) in [(elapsed, "s"), (processor, "CPU s")] {
        let (case, subject) = (case.clone(), "lru.wasm".into());
        figures.push(Figure { bench: BENCH, case, subject, value: value.as_secs_f64(), unit });
    }
    Ok(figures)
}

/// Runs `psycache sim`, and says how long it took: the processors, and the clock.
fn simulate(settings: &Settings, trace: &Path, asked: &[&str]) -> Result<(Duration, Duration)> {
    let (begin, before) = (Instant::now(), processor::of_ended_children()?);
    let status = Command::new(&settings.command)
        .arg("sim")
        .args(asked)
        .arg(trace)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("{} can't be started", settings.command.display()))?;
    ensure!(status.success(), "`psycache sim {}` failed", asked.join(" "));
    Ok((processor::of_ended_children()? - before, begin.elapsed()))
}

/// Keys of which few are asked for often: the product of three even draws.
fn write_trace(
    path: &Path,
    requests: u64,
    write: impl Fn(&mut BufWriter<File>, u64, u64) -> std::io::Result<()>,
) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for at in 0..requests {
        let skewed = draw() * draw() * draw();
        write(&mut file, at, (skewed * KEYS) as u64)?;
    }
    file.flush().context("the stream can't be written")
}

/// A record of `oracleGeneral`: seconds, key, size, and the next use, which `sim` does not need.
fn oracle_general(at: u64, key: u64) -> [u8; 24] {
    let mut record = [0; 24];
    // A thousand requests a second.
    record[..4].copy_from_slice(&((at / 1_000) as u32).to_le_bytes());
    record[4..12].copy_from_slice(&key.to_le_bytes());
    record[12..16].copy_from_slice(&100_u32.to_le_bytes());
    record[16..].copy_from_slice(&(-1_i64).to_le_bytes());
    record
}
