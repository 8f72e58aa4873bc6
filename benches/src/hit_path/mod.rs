//! A get from memory, and an insert after a miss: this cache next to the fastest peers.
//!
//! The rounds of all subjects are interleaved, so that a change of the machine's speed affects
//! all of them. A figure is the median of its rounds. A ratio is the median of the ratios of
//! adjacent rounds.

mod instructions;
mod memory;
mod workload;

use std::time::Instant;

use anyhow::Result;
use cpu_time::ProcessTime;

use crate::Settings;
use crate::caches::{self, Cache, Parts, SUBJECTS};
use crate::report::{Figure, median};
use workload::{ENTRIES, Workload};

const BENCH: &str = "hit-path";

/// The results of one subject in all rounds of one case.
#[derive(Default)]
struct Rounds {
    /// Nanoseconds of wall time an operation.
    wall: Vec<f64>,
    /// Nanoseconds of processor time an operation, of all threads.
    processor: Vec<f64>,
    hits: u64,
    gets: u64,
}

/// Runs every workload at 1, 2 and 4 threads.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    if let Some(part) = &settings.part {
        return instructions::part(part);
    }
    let parts = Parts::new()?;
    let mut figures = Vec::new();
    for workload in Workload::ALL {
        for threads in [1, 2, 4] {
            figures.extend(case(settings, &parts, workload, threads)?);
        }
    }
    figures.extend(instructions::count(settings)?);
    figures.extend(memory::measure(settings, &parts)?);
    Ok(figures)
}

/// All subjects at one workload.
fn case(
    settings: &Settings,
    parts: &Parts,
    workload: Workload,
    threads: usize,
) -> Result<Vec<Figure>> {
    let (rounds, requests) = if settings.quick { (3, 100_000) } else { (9, 1_000_000) };
    let mut caches = Vec::new();
    for subject in SUBJECTS {
        let cache = caches::make(parts, subject, ENTRIES, workload.ttl())?;
        workload.fill(cache.as_ref());
        caches.push((cache, Rounds::default()));
    }
    for round in 0..=rounds {
        let streams = workload.streams(threads, requests / threads, round);
        // Each subject begins a round in turn, so that none always follows the same one.
        for at in 0..caches.len() {
            let count = caches.len();
            let (cache, done) = &mut caches[(at + round) % count];
            let measured = measure(cache.as_ref(), workload, &streams);
            // The first round is for caches and workers to get warm.
            if round > 0 {
                done.wall.push(measured.0);
                done.processor.push(measured.1);
                done.hits += measured.2;
                done.gets += (requests / threads * threads) as u64;
            }
        }
    }
    let name = format!("{}, {threads} threads", workload.name());
    Ok(figures(&name, &caches.into_iter().map(|(_, rounds)| rounds).collect::<Vec<_>>()))
}

/// Nanoseconds of wall and of processor time an operation, and hits.
fn measure(cache: &dyn Cache, workload: Workload, streams: &[workload::Stream]) -> (f64, f64, u64) {
    cache.settle();
    let (begin, processor) = (Instant::now(), ProcessTime::now());
    let hits = std::thread::scope(|scope| {
        let threads: Vec<_> =
            streams.iter().map(|stream| scope.spawn(move || workload.run(cache, stream))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    let wall = begin.elapsed();
    // Work that a worker or a queue deferred is part of the cost of the operations.
    cache.settle();
    let requests = streams.iter().map(workload::Stream::len).sum::<usize>() as f64;
    let nanoseconds = |time: std::time::Duration| time.as_nanos() as f64 / requests;
    (nanoseconds(wall), nanoseconds(processor.elapsed()), hits)
}

fn figures(case: &str, subjects: &[Rounds]) -> Vec<Figure> {
    let figure = |subject: &str, value, unit| Figure {
        bench: BENCH,
        case: case.to_owned(),
        subject: subject.to_owned(),
        value,
        unit,
    };
    let mut figures = Vec::new();
    for (subject, rounds) in SUBJECTS.iter().zip(subjects) {
        figures.push(figure(subject, median(rounds.wall.clone()), "ns/op"));
    }
    for (subject, rounds) in SUBJECTS.iter().zip(subjects) {
        figures.push(figure(subject, median(rounds.processor.clone()), "CPU ns/op"));
    }
    for (subject, rounds) in SUBJECTS.iter().zip(subjects) {
        figures.push(figure(subject, 100.0 * rounds.hits as f64 / rounds.gets as f64, "% hits"));
    }
    for (subject, peer) in SUBJECTS.iter().zip(subjects).skip(1) {
        for (unit, of) in [("x wall", true), ("x CPU", false)] {
            let side =
                |rounds: &Rounds| if of { rounds.wall.clone() } else { rounds.processor.clone() };
            let ratios = side(&subjects[0]).into_iter().zip(side(peer)).map(|(a, b)| a / b);
            figures.push(figure(&format!("lru.wasm / {subject}"), median(ratios.collect()), unit));
        }
    }
    figures
}
