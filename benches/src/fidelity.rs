//! The hit ratio that is lost because accesses reach the policy with losses. Compares this cache
//! at full speed on several threads with the same policy, informed of every request in turn.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Cursor};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use parking_lot::Mutex;
use psycache::cli::{Unit, simulate};

use crate::Settings;
use crate::caches::{Cache, Kind, Ours, Parts};
use crate::report::Figure;
use crate::streams::{Key, value, zipf};

const POLICIES: [&str; 5] = ["lru", "lruk", "twoq", "s3fifo", "adaptive"];
const THREADS: [usize; 2] = [1, 4];

/// A stream of requests, and how many entries fit.
struct Stream {
    name: String,
    keys: Vec<u32>,
    entries: u32,
}

/// Compares the hit ratios on made streams, and on those in `--traces`.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let parts = Parts::new()?;
    let mut figures = Vec::new();
    for stream in streams(settings)? {
        for policy in POLICIES {
            let exact = exact(&parts, policy, &stream)?;
            let mut add = |subject: String, value, unit| {
                let case = format!("{}, {policy}", stream.name);
                figures.push(Figure { bench: "fidelity", case, subject, value, unit });
            };
            add("exact".into(), exact, "% hits");
            for threads in THREADS {
                let ratio = at_full_speed(&parts, policy, &stream, threads)?;
                add(format!("{threads} threads"), ratio, "% hits");
                add(format!("{threads} threads - exact"), ratio - exact, "points");
            }
        }
    }
    Ok(figures)
}

fn streams(settings: &Settings) -> Result<Vec<Stream>> {
    let len = if settings.quick { 200_000 } else { 2_000_000 };
    let made = |name: &str, keys: Vec<u32>| Stream { name: name.into(), keys, entries: 10_000 };
    let scan = |(at, key): (usize, u32)| if at % 4 == 3 { (1 << 28) + at as u32 } else { key };
    let mut streams = vec![
        made("zipf over 100,000 keys", zipf(100_000, len, 1)),
        made("loop over 12,000 keys", (0..len as u32).map(|at| at % 12_000).collect()),
        made("zipf and a scan", zipf(100_000, len, 2).into_iter().enumerate().map(scan).collect()),
    ];
    if let Some(folder) = &settings.traces {
        let files = std::fs::read_dir(folder)
            .with_context(|| format!("{} can't be listed", folder.display()))?;
        let mut files: Vec<PathBuf> =
            files.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>()?;
        files.retain(|file| file.to_string_lossy().ends_with(".txt.gz"));
        files.sort();
        for file in files {
            streams.push(recorded(&file)?);
        }
    }
    Ok(streams)
}

/// A recorded stream: the first word of each line is a key. A tenth of its keys fit.
fn recorded(file: &Path) -> Result<Stream> {
    let name = file.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    let input = std::fs::File::open(file).with_context(|| format!("{name} can't be read"))?;
    let mut numbers = HashMap::new();
    let mut keys = Vec::new();
    for line in BufReader::new(MultiGzDecoder::new(input)).lines() {
        let line = line.with_context(|| format!("{name} can't be unpacked"))?;
        let Some(key) = line.split_whitespace().next() else { continue };
        let next = numbers.len() as u32;
        keys.push(*numbers.entry(key.to_owned()).or_insert(next));
    }
    let entries = (numbers.len() as u32 / 10).max(100);
    Ok(Stream { name, keys, entries })
}

/// The hit ratio in percent if the policy is informed of each request before the next one.
fn exact(parts: &Parts, policy: &'static str, stream: &Stream) -> Result<f64> {
    let lines: Vec<String> = stream.keys.iter().map(u32::to_string).collect();
    let trace = Cursor::new(lines.join("\n"));
    let capacity = NonZeroU64::new(stream.entries.into()).context("a cache has room")?;
    let source = parts.source(Kind::Component(policy))?;
    let simulated = simulate(trace, Unit::Entries, source.as_ref(), capacity)?;
    Ok(100.0 * simulated.hit_ratio)
}

/// The hit ratio in percent of the store and its worker. All threads take requests from one
/// queue. With a fixed share for each, the threads would drift apart and change the order of the
/// stream.
fn at_full_speed(
    parts: &Parts,
    policy: &'static str,
    stream: &Stream,
    threads: usize,
) -> Result<f64> {
    let cache = Ours::new(parts, Kind::Component(policy), stream.entries)?;
    let next = AtomicUsize::new(0);
    let loading = Mutex::default();
    let run = || {
        let (mut key, mut hits) = (Key::new(), 0);
        while let Some(number) = stream.keys.get(next.fetch_add(1, Ordering::Relaxed)) {
            hits += usize::from(!loads(&cache, key.of(*number), *number, &loading));
        }
        hits
    };
    let hits: usize = std::thread::scope(|scope| {
        let runners: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        runners.into_iter().map(|runner| runner.join().expect("no panic")).sum()
    });
    Ok(100.0 * hits as f64 / stream.keys.len() as f64)
}

/// Asks for a key as a group does: a miss of a key that another thread is loading joins
/// that load. Answers whether this request was the load. One that joined has hit, since
/// [`exact`] makes one request at a time; it does not wait.
fn loads(cache: &Ours, key: &str, number: u32, loading: &Mutex<HashSet<u32>>) -> bool {
    if cache.get(key) {
        return false;
    }
    {
        let mut loading = loading.lock();
        if cache.get(key) || !loading.insert(number) {
            return false;
        }
    }
    cache.set(key, value(), None);
    loading.lock().remove(&number);
    true
}
