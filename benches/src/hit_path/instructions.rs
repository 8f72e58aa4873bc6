//! Instructions for each operation, counted by callgrind as the difference between a long and a
//! short run of this program. Other load of the machine does not change them.

use anyhow::{Context, Result, ensure};

use super::BENCH;
use super::workload::{ENTRIES, Workload};
use crate::Settings;
use crate::caches::{self, Parts, SUBJECTS};
use crate::callgrind::Callgrind;
use crate::report::Figure;

const WORKLOADS: [Workload; 3] = [Workload::Zipf, Workload::Hits, Workload::Inserts];

/// Requests of the short run and of the long one.
const REQUESTS: [usize; 2] = [50_000, 250_000];

/// Counts for every subject, or reports that callgrind is missing.
pub(super) fn count(settings: &Settings) -> Result<Vec<Figure>> {
    if settings.quick || !Callgrind::is_installed() {
        eprintln!("LEFT OUT: instructions an operation: they want valgrind, and no --quick");
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for workload in WORKLOADS {
        for subject in SUBJECTS {
            let counts = REQUESTS.map(|requests| instructions(subject, workload, requests));
            let [short, long] = counts;
            let requests = (REQUESTS[1] - REQUESTS[0]) as f64;
            figures.push(Figure {
                bench: BENCH,
                case: format!("{}, 1 threads", workload.name()),
                subject: subject.into(),
                value: (long? - short?) / requests,
                unit: "instr/op",
            });
        }
    }
    Ok(figures)
}

/// Instructions of one run of [`part`].
fn instructions(subject: &str, workload: Workload, requests: usize) -> Result<f64> {
    let part = format!("{subject}:{}:{requests}", workload.name());
    let callgrind = Callgrind::new()?;
    let mut run = callgrind.command(std::env::current_exe()?);
    let ended = run.args([BENCH, "--part", &part]).status()?;
    ensure!(ended.success(), "{part} ended with {ended}");
    Ok(callgrind.instructions()? as f64)
}

/// What runs under callgrind: `SUBJECT:WORKLOAD:REQUESTS`.
pub(super) fn part(part: &str) -> Result<Vec<Figure>> {
    let mut words = part.split(':');
    let mut word = || words.next().with_context(|| format!("{part:?} lacks a part"));
    let (subject, workload, requests) = (word()?, word()?, word()?.parse()?);
    let workload = Workload::ALL.into_iter().find(|each| each.name() == workload);
    let workload = workload.with_context(|| format!("no such workload in {part:?}"))?;
    let cache = caches::make(&Parts::new()?, subject, ENTRIES, workload.ttl())?;
    workload.fill(cache.as_ref());
    // Both runs draw the same number of requests, so that the cost of drawing cancels out.
    for mut stream in workload.streams(1, REQUESTS[1], 1) {
        stream.shorten(requests);
        workload.run(cache.as_ref(), &stream);
    }
    cache.settle();
    Ok(Vec::new())
}
