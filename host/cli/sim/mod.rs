//! `psycache sim`: hit ratios of policies over recorded request streams, through
//! the very components that a node runs, and the bound that none can pass.

mod optimum;
mod replay;
mod trace;

use std::io::{IsTerminal, Read, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use crate::policy::PolicySource;

use optimum::Optimum;
use replay::Replay;
pub use trace::Unit;
use trace::{Names, Request, Trace};

/// Replay recorded request streams and print the hit ratio of each policy and
/// capacity, as CSV
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  psycache sim --policy lru,lruk --capacity 1000,10000 trace.txt.gz"
)]
pub(super) struct Args {
    /// Built-in names or files, separated by commas; opt is the bound of all policies,
    /// which knows the future
    #[arg(long, required = true, value_delimiter = ',', value_name = "P")]
    policy: Vec<String>,
    /// Options for the policies
    #[arg(long = "policy-opt", value_name = "K=V", value_parser = super::parse::pair)]
    policy_opts: Vec<(String, String)>,
    /// What the cache holds, separated by commas
    #[arg(long, required = true, value_delimiter = ',', value_name = "N")]
    capacity: Vec<NonZeroU64>,
    /// What a capacity counts
    #[arg(long, value_enum, default_value_t)]
    unit: Unit,
    /// Files with a key a line (and its size behind it), plain or gzip; - is
    /// standard input
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
}

/// The name of the bound.
const OPTIMUM: &str = "opt";

/// A policy to replay, and what it is called in the table.
struct Subject {
    name: String,
    /// None for the bound.
    source: Option<Arc<dyn PolicySource>>,
}

/// A row of the table that is being worked out.
struct Row {
    policy: String,
    capacity: u64,
    cache: Cache,
}

/// What answers the requests of a row.
enum Cache {
    Replay(Box<Replay>),
    Optimum(Optimum),
}

impl Cache {
    fn request(&mut self, request: Request) -> Result<()> {
        match self {
            Self::Replay(replay) => replay.request(request),
            Self::Optimum(optimum) => optimum.request(request),
        }
    }

    /// The stream has ended.
    fn end(&mut self) {
        if let Self::Optimum(optimum) = self {
            optimum.end();
        }
    }

    fn requests(&self) -> u64 {
        match self {
            Self::Replay(replay) => replay.requests(),
            Self::Optimum(optimum) => optimum.requests(),
        }
    }

    fn hit_ratio(&self) -> f64 {
        match self {
            Self::Replay(replay) => replay.hit_ratio(),
            Self::Optimum(optimum) => optimum.hit_ratio(),
        }
    }
}

/// Blocks of requests that may wait for a worker.
const BLOCKS_AHEAD: usize = 4;

impl Args {
    /// Replays every trace in turn.
    pub(super) fn run(&self) -> Result<()> {
        super::parse::each_once(&self.policy_opts)?;
        let subjects = self.load()?;
        let mut out = std::io::stdout().lock();
        for (number, path) in self.traces.iter().enumerate() {
            let (unique, rows) = self
                .replay(path, &subjects)
                .with_context(|| format!("trace {}", path.display()))?;
            if number == 0 {
                writeln!(out, "trace,requests,unique,cache_objects,policy,hit_ratio")?;
            }
            for row in rows {
                let (requests, ratio) = (row.cache.requests(), row.cache.hit_ratio());
                let (trace, policy, capacity) = (name_of(path), row.policy, row.capacity);
                writeln!(out, "{trace},{requests},{unique},{capacity},{policy},{ratio:.6}")?;
            }
            out.flush()?;
        }
        Ok(())
    }

    /// Reads the trace once, for all rows together.
    fn replay(&self, path: &Path, subjects: &[Subject]) -> Result<(usize, Vec<Row>)> {
        let bar = progress(path);
        let counted = bar.clone();
        let mut trace = Trace::open(path, self.unit, move |bytes| counted.inc(bytes))?;
        let mut shares = deal(self.rows(subjects, &trace.names())?);
        let done = thread::scope(|scope| {
            let workers: Vec<_> = shares
                .drain(..)
                .map(|rows| {
                    let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
                    (sender, scope.spawn(move || work(rows, &receiver)))
                })
                .collect();
            let (senders, threads): (Vec<_>, Vec<_>) = workers.into_iter().unzip();
            let read = feed(&mut trace, senders);
            let rows = threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow!("a worker panicked"))?)
                .collect::<Result<Vec<_>>>();
            read.and(rows)
        })?;
        bar.finish_and_clear();
        let mut rows: Vec<(usize, Row)> = done.into_iter().flatten().collect();
        rows.sort_by_key(|(place, _)| *place);
        Ok((trace.unique(), rows.into_iter().map(|(_, row)| row).collect()))
    }

    fn rows(&self, subjects: &[Subject], names: &Names) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for &capacity in &self.capacity {
            for Subject { name, source } in subjects {
                let (policy, capacity) = (name.clone(), capacity.get());
                let cache = match source {
                    None => Cache::Optimum(Optimum::new(capacity)),
                    Some(source) => self.replayed(source.as_ref(), capacity, names)?,
                };
                rows.push(Row { policy, capacity, cache });
            }
        }
        Ok(rows)
    }

    fn replayed(&self, source: &dyn PolicySource, capacity: u64, names: &Names) -> Result<Cache> {
        let replay = Replay::new(source, &self.policy_opts, capacity, Arc::clone(names))
            .with_context(|| format!("policy {}", source.name()))?;
        Ok(Cache::Replay(Box::new(replay)))
    }

    /// Compiles the policies; each is tried with the first capacity.
    fn load(&self) -> Result<Vec<Subject>> {
        let engines = Engines::new(&CompileCache::User)?;
        let config = replay::config(self.capacity[0].get(), &self.policy_opts);
        let load = |name: &String| -> Result<Subject> {
            if name == OPTIMUM {
                return self.bound();
            }
            let plugin = Plugin::resolve(name)?;
            let name = plugin.name().to_owned();
            let limits = PolicyLimits::default();
            let source = PolicyComponent::load(&engines, plugin, &config, limits)?;
            Ok(Subject { name, source: Some(source) })
        };
        self.policy.iter().map(load).collect()
    }

    fn bound(&self) -> Result<Subject> {
        if self.unit != Unit::Entries {
            bail!("{OPTIMUM} is the bound of entries that weigh the same; try --unit entries");
        }
        if let Some((option, _)) = self.policy_opts.first() {
            bail!("{OPTIMUM} has no option {option} (there are no options)");
        }
        Ok(Subject { name: OPTIMUM.to_owned(), source: None })
    }
}

/// The result of one policy over one trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// Lines that were requests.
    pub requests: u64,
    /// Distinct keys.
    pub unique: usize,
    /// Hits of all requests, 0 to 1.
    pub hit_ratio: f64,
}

/// One row of the table, for a trace that is no file.
///
/// # Errors
/// The trace can't be read, or the policy fails.
#[doc(hidden)]
pub fn simulate(
    trace: impl Read + Send + 'static,
    unit: Unit,
    policy: &dyn PolicySource,
    capacity: NonZeroU64,
) -> Result<Simulated> {
    let mut trace = Trace::of(Box::new(trace), unit, |_| {})?;
    let mut replay = Replay::new(policy, &[], capacity.get(), trace.names())?;
    loop {
        let block = trace.next_block()?;
        if block.is_empty() {
            let (requests, hit_ratio) = (replay.requests(), replay.hit_ratio());
            return Ok(Simulated { requests, unique: trace.unique(), hit_ratio });
        }
        block.into_iter().try_for_each(|request| replay.request(request))?;
    }
}

/// Rows with their places, in a share for each processor.
fn deal(rows: Vec<Row>) -> Vec<Vec<(usize, Row)>> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(rows.len());
    let mut shares: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
    for (place, row) in rows.into_iter().enumerate() {
        shares[place % workers].push((place, row));
    }
    shares
}

/// Reads to the end. A worker that is gone has failed, and returns its own error.
fn feed(trace: &mut Trace, workers: Vec<SyncSender<Arc<Vec<Request>>>>) -> Result<()> {
    loop {
        let block = Arc::new(trace.next_block()?);
        if block.is_empty() || workers.iter().any(|worker| worker.send(Arc::clone(&block)).is_err())
        {
            return Ok(());
        }
    }
}

fn work(
    mut rows: Vec<(usize, Row)>,
    blocks: &Receiver<Arc<Vec<Request>>>,
) -> Result<Vec<(usize, Row)>> {
    for block in blocks {
        for (_, row) in &mut rows {
            for &request in block.iter() {
                let replayed = row.cache.request(request);
                replayed.with_context(|| format!("policy {}", row.policy))?;
            }
        }
    }
    rows.iter_mut().for_each(|(_, row)| row.cache.end());
    Ok(rows)
}

/// The progress in the file, if standard error is a terminal.
fn progress(path: &Path) -> ProgressBar {
    let size = path.metadata().map(|meta| meta.len()).ok();
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(name_of(path))
}

/// `arc_oltp` for `traces/arc_oltp.txt.gz`.
fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    match file.split('.').next() {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => file.into_owned(),
    }
}
