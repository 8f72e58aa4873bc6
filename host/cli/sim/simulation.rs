//! A trace through all caches of a simulation at once, on all processors.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow};

use super::capacity::Totals;
use super::optimum::Optimum;
use super::replay::Replay;
use super::request::Request;
use super::tally::{Ratios, Tally};
use super::timeline::{STEP, Timeline};
use super::trace::Trace;

/// Blocks of requests that may wait for a worker.
const BLOCKS_AHEAD: usize = 4;

/// What answers the requests of a row.
pub(super) enum Cache {
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

    /// [`STEP`] requests have passed.
    fn pass(&self, timeline: &mut Timeline) {
        // The bound knows nothing before the end.
        if let Self::Replay(replay) = self {
            timeline.note(replay.tally());
        }
    }

    /// The stream has ended.
    fn end(&mut self, timeline: &mut Timeline) -> Tally {
        match self {
            Self::Replay(replay) => replay.tally(),
            Self::Optimum(optimum) => {
                optimum.end(timeline);
                optimum.tally()
            }
        }
    }
}

/// A cache, and the policy in it as errors name it.
pub(super) struct Row {
    pub(super) policy: String,
    pub(super) cache: Cache,
}

/// What came of a row.
pub(super) struct Replayed {
    pub(super) ratios: Ratios,
    pub(super) timeline: Timeline,
}

/// Reads a trace to its end, and says what is in it.
///
/// # Errors
/// It can't be read.
pub(super) fn totals(trace: &mut Trace) -> Result<Totals> {
    let mut sizes: Vec<u32> = Vec::new();
    loop {
        let block = trace.next_block()?;
        if block.is_empty() {
            let bytes = sizes.iter().map(|size| u64::from(*size)).sum();
            return Ok(Totals { keys: trace.unique() as u64, bytes });
        }
        sizes.resize(trace.unique(), 0);
        for request in block.into_iter().filter(|request| request.kind.has_value()) {
            sizes[request.key as usize] = request.size;
        }
    }
}

/// Reads a trace to its end and has each row answer it. What comes of them is in the order of the rows.
///
/// # Errors
/// The trace can't be read, or a policy fails.
pub(super) fn run(trace: &mut Trace, rows: Vec<Row>) -> Result<Vec<Replayed>> {
    let done = thread::scope(|scope| {
        let workers = deal(rows).into_iter().map(|rows| {
            let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
            (sender, scope.spawn(move || work(rows, &receiver)))
        });
        let (senders, threads): (Vec<_>, Vec<_>) = workers.unzip();
        let read = feed(trace, senders);
        let tallies = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a worker panicked"))?)
            .collect::<Result<Vec<_>>>();
        read.and(tallies)
    })?;
    let mut ended: Vec<Ended> = done.into_iter().flatten().collect();
    ended.sort_by_key(|ended| ended.place);
    let replayed = ended.into_iter().map(|Ended { tally, timeline, .. }| Replayed {
        ratios: tally.ratios(trace.sample(), trace.asked()),
        timeline,
    });
    Ok(replayed.collect())
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

/// A row at the end of the stream.
struct Ended {
    place: usize,
    tally: Tally,
    timeline: Timeline,
}

fn work(rows: Vec<(usize, Row)>, blocks: &Receiver<Arc<Vec<Request>>>) -> Result<Vec<Ended>> {
    let mut rows: Vec<_> =
        rows.into_iter().map(|(place, row)| (place, row, Timeline::new())).collect();
    for block in blocks {
        for (_, row, timeline) in &mut rows {
            // All blocks but the last are whole steps.
            for step in block.chunks(STEP) {
                for &request in step {
                    let replayed = row.cache.request(request);
                    replayed.with_context(|| format!("policy {}", row.policy))?;
                }
                if step.len() == STEP {
                    row.cache.pass(timeline);
                }
            }
        }
    }
    let end = |(place, mut row, mut timeline): (usize, Row, Timeline)| {
        let tally = row.cache.end(&mut timeline);
        Ended { place, tally, timeline }
    };
    Ok(rows.into_iter().map(end).collect())
}
