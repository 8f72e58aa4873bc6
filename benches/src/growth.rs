//! How the cost of an operation grows with the number of entries: this cache and the fastest
//! peer.

use std::time::Instant;

use anyhow::Result;

use crate::Settings;
use crate::caches::{Cache, Parts};
use crate::overhead;
use crate::report::{Figure, median};
use crate::streams::{Key, value, zipf};

const SUBJECTS: [&str; 2] = ["psycache lru.wasm", "quick_cache"];

/// Requests of a round.
const REQUESTS: usize = 500_000;

/// From ten thousand entries to ten million; `--quick` stops at a hundred thousand.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let parts = Parts::new()?;
    let (sizes, rounds) = if settings.quick {
        (&[10_000, 100_000][..], 3)
    } else {
        (&[10_000, 100_000, 1_000_000, 10_000_000][..], 7)
    };
    let mut figures = Vec::new();
    for entries in sizes {
        figures.extend(size(&parts, *entries, rounds)?);
    }
    Ok(figures)
}

fn size(parts: &Parts, entries: u32, rounds: u64) -> Result<Vec<Figure>> {
    let case = format!("{entries:>8} entries, zipf over twice as many keys");
    let figure = |subject: &str, value, unit| Figure {
        bench: "growth",
        case: case.clone(),
        subject: subject.into(),
        value,
        unit,
    };
    let mut caches = Vec::new();
    let mut figures = Vec::new();
    for subject in SUBJECTS {
        let (cache, overhead) = overhead::filled(parts, subject, entries, false)?;
        figures.push(figure(subject, overhead, "B/entry"));
        caches.push((subject, cache, Vec::new()));
    }
    for round in 0..=rounds {
        let stream = zipf(entries * 2, REQUESTS, round);
        for (_, cache, times) in &mut caches {
            let took = time(cache.as_ref(), &stream);
            if round > 0 {
                times.push(took);
            }
        }
    }
    figures.extend(
        caches.into_iter().map(|(subject, _, times)| figure(subject, median(times), "ns/op")),
    );
    Ok(figures)
}

/// Nanoseconds a get-or-insert.
fn time(cache: &dyn Cache, stream: &[u32]) -> f64 {
    let mut key = Key::new();
    let begin = Instant::now();
    for number in stream {
        cache.get_or_insert(key.of(*number), &value);
    }
    begin.elapsed().as_nanos() as f64 / stream.len() as f64
}
