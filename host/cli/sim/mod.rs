//! `psycache sim`: hit ratios of policies over recorded request streams, through
//! the very components that a node runs, and the bound that none can pass.

mod request;
mod tally;
mod timeline;

mod capacity;
mod trace;

mod optimum;
mod replay;
mod simulation;
mod subject;

mod report;

use std::io::{IsTerminal, Read};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::policy::PolicySource;

pub use capacity::Unit;
use capacity::{Capacity, Totals};
use optimum::Optimum;
use replay::Replay;
use report::{Output, Report};
use simulation::{Cache, Row};
use subject::{Choice, Subject};
use trace::{Asked, Format, Reading, Recorded, Trace};

/// Replay recorded request streams, and tell the hit ratio of each policy and capacity
///
/// Without --policy: every policy that comes with the binary, and opt. Without --capacity: 1, 5,
/// 10 and 20 % of the keys. A trace is plain, gzip, zstd or xz.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  psycache sim trace.txt.gz
  psycache sim --policy 'lru,lruk?k=3' --capacity 1000,10000 trace.txt.gz
  psycache sim --format csv:key=2,size=3 --capacity 64MiB --output json requests.csv.zst

Formats:
  keys           a key a line
  sized          a key and the size of its value a line
  csv            a table whose first line names columns: key, size, op, time, ttl, load-ms
  csv:key=2,...  a table; columns by place or heading, times as time-ms, ttl-ms, load-us too
  twitter        the table of Twitter's cache traces
  arc            blocks, as in the traces of ARC
  oracleGeneral  binary, as libCacheSim writes it
  vscsi          binary, as CloudPhysics recorded disks
  recording      what psycache record writes")]
pub(super) struct Args {
    /// Built-in names or files, separated by commas, with options behind a question mark; opt is
    /// the bound of all policies, which knows the future
    #[arg(long, value_delimiter = ',', value_name = "P")]
    policy: Vec<Choice>,
    /// An option of all policies
    #[arg(long = "policy-opt", value_name = "K=V", value_parser = super::parse::pair)]
    policy_opts: Vec<(String, String)>,
    /// What the cache holds, separated by commas: entries, bytes such as 1GiB, or a share of the
    /// keys such as 5%
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "N",
        default_values = ["1%", "5%", "10%", "20%"],
        hide_default_value = true
    )]
    capacity: Vec<Capacity>,
    /// What a capacity counts [default: entries, or bytes if a capacity is written so]
    #[arg(long, value_enum)]
    unit: Option<Unit>,
    /// How the traces are written; auto looks at their first lines
    #[arg(long, value_name = "F", default_value = "auto")]
    format: Asked,
    /// How the result is written [default: table on a terminal, else csv]
    #[arg(long, value_enum, value_name = "O")]
    output: Option<Output>,
    /// Replay one key in so many, in caches that are so many times smaller
    #[arg(long, value_name = "R", default_value = "1", hide_default_value = true)]
    sample: NonZeroU32,
    /// Requests that fill the caches and are not counted
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    warmup: u64,
    /// Files of requests; - is standard input
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
}

impl Args {
    /// Replays every trace in turn.
    pub(super) fn run(&self) -> Result<()> {
        let unit = capacity::unit(self.unit, &self.capacity)?;
        let everything = subject::all();
        let (choices, is_everything) = match self.policy.is_empty() {
            true => (&everything, true),
            false => (&self.policy, false),
        };
        if unit == Unit::Bytes && !is_everything && choices.iter().any(Choice::is_optimum) {
            bail!("opt is the bound of entries that weigh the same; try --unit entries");
        }
        let subjects = subject::load(choices, &self.policy_opts)?;
        let is_terminal = std::io::stdout().is_terminal();
        let output = self.output.unwrap_or(if is_terminal { Output::Table } else { Output::Csv });
        let mut reports = Vec::new();
        for path in &self.traces {
            let replayed = self.replay(path, &subjects, unit, is_everything);
            reports.push(replayed.with_context(|| format!("trace {}", path.display()))?);
        }
        report::write(&reports, output)
    }

    /// Reads the trace once for all rows together, and before that once if a capacity is a share.
    fn replay(
        &self,
        path: &Path,
        subjects: &[Subject],
        unit: Unit,
        is_everything: bool,
    ) -> Result<Report> {
        let totals = match self.capacity.iter().any(|capacity| capacity.is_relative()) {
            true if path == Path::new("-") => bail!(
                "a capacity in percent needs to know how many keys there are, and standard input \
                 can be read only once; write it to a file, or give --capacity in numbers"
            ),
            true => {
                let bar = progress(path, "looking at");
                let totals = simulation::totals(&mut self.open(path, &bar)?)?;
                bar.finish_and_clear();
                totals
            }
            false => Totals::default(),
        };
        let bar = progress(path, "replaying");
        let mut trace = self.open(path, &bar)?;
        let tells = trace.tells();
        if unit == Unit::Bytes && !tells.sizes {
            bail!("it tells no sizes, which capacities in bytes need; try --unit entries");
        }
        // Left out of everything where it has no meaning; refused if it was asked for.
        let has_bound = unit == Unit::Entries && !tells.changes;
        if tells.changes && !is_everything && subjects.iter().any(|one| one.source.is_none()) {
            bail!(
                "opt needs a trace of gets alone; this one has other operations or times to live"
            );
        }
        let subjects: Vec<&Subject> =
            subjects.iter().filter(|one| has_bound || one.source.is_some()).collect();
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for capacity in &self.capacity {
            let capacity = capacity.in_sample(unit, totals, trace.sample());
            for &subject in &subjects {
                let shown = capacity * u64::from(trace.sample().get());
                names.push((subject.name.clone(), subject.source.is_none(), shown));
                rows.push(row(subject, unit, capacity, &trace)?);
            }
        }
        let replayed = simulation::run(&mut trace, rows)?;
        bar.finish_and_clear();
        say_format(path, &trace);
        warn(&trace, self.warmup);
        let rows = names.into_iter().zip(replayed);
        let rows = rows.map(|((policy, is_bound, capacity), replayed)| {
            report::Row::new(policy, is_bound, capacity, replayed, tells)
        });
        let (requests, unique) = (trace.requests(), trace.unique() as u64);
        let trace = name_of(path);
        let mut report = Report { trace, requests, unique, tells, unit, rows: rows.collect() };
        report.compare();
        Ok(report)
    }

    fn open(&self, path: &Path, bar: &ProgressBar) -> Result<Trace> {
        let reading =
            Reading { format: self.format.clone(), sample: self.sample, warmup: self.warmup };
        let counted = bar.clone();
        Trace::open(path, &reading, move |bytes| counted.inc(bytes))
    }
}

fn row(subject: &Subject, unit: Unit, capacity: u64, trace: &Trace) -> Result<Row> {
    let policy = subject.name.clone();
    let cache = match &subject.source {
        None => Cache::Optimum(Optimum::new(capacity)),
        Some(source) => {
            let replay =
                Replay::new(source.as_ref(), &subject.options, unit, capacity, trace.names());
            Cache::Replay(Box::new(replay.with_context(|| format!("policy {policy}"))?))
        }
    };
    Ok(Row { policy, cache })
}

/// Prints the format of a trace where it was guessed and may be another one.
#[allow(clippy::print_stderr, reason = "figures go to standard output, doubts beside them")]
fn say_format(path: &Path, trace: &Trace) {
    if let Some(format) = trace.guessed() {
        eprintln!("note: {} is read as {format}; --format says otherwise", path.display());
    }
}

/// Says what in a trace makes its figures doubtful.
#[allow(clippy::print_stderr, reason = "figures go to standard output, doubts beside them")]
fn warn(trace: &Trace, warmup: u64) {
    if trace.late() > 0 {
        eprintln!(
            "warning: {} of {} requests are older than the one before; they were taken to be as old",
            trace.late(),
            trace.requests()
        );
    }
    if let Some(Recorded { lost, is_whole, .. }) = trace.recorded() {
        if !is_whole {
            eprintln!(
                "warning: the recording was cut off; the {} requests before that were replayed",
                trace.requests()
            );
        }
        if lost > 0 {
            eprintln!(
                "warning: {lost} accesses are not in the recording, because they came too fast"
            );
        }
    }
    if trace.asked().gets() == 0 && trace.requests() > 0 {
        eprintln!("warning: no get of {} requests counts (--warmup {warmup})", trace.requests());
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

/// One row of the table, for a trace that is no file: a key a line, with its size behind it if
/// the unit is bytes.
///
/// # Errors
/// The trace can't be read, or the policy fails.
#[doc(hidden)]
pub fn simulate(
    source: impl Read + Send + 'static,
    unit: Unit,
    policy: &dyn PolicySource,
    capacity: NonZeroU64,
) -> Result<Simulated> {
    let format = if unit == Unit::Bytes { Format::Sized } else { Format::Keys };
    let reading = Reading { format: Asked::Of(format), sample: NonZeroU32::MIN, warmup: 0 };
    let mut trace = Trace::of(Box::new(source), &reading, |_| {})?;
    let mut replay = Replay::new(policy, &[], unit, capacity.get(), trace.names())?;
    loop {
        let block = trace.next_block()?;
        if block.is_empty() {
            let (requests, unique) = (trace.requests(), trace.unique());
            let hit_ratio = replay.tally().ratios(NonZeroU32::MIN, trace.asked()).hits;
            return Ok(Simulated { requests, unique, hit_ratio });
        }
        block.into_iter().try_for_each(|request| replay.request(request))?;
    }
}

/// The progress in the file, if standard error is a terminal.
fn progress(path: &Path, doing: &str) -> ProgressBar {
    let size = path.metadata().map(|meta| meta.len()).ok();
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = size.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(format!("{doing} {}", name_of(path)))
}

/// `arc_oltp` for `traces/arc_oltp.txt.gz`.
fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    match file.split('.').next() {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => file.into_owned(),
    }
}
