//! Batch drift: what a policy loses when it hears of accesses in batches, and not of all.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::cache::Cache;
use super::deadline::Deadline;
use super::report::Finding;
use super::stream;
use super::subject::Subject;
use crate::policy::Failure;

const CAPACITY: u32 = 2_000;
const KEYS: u32 = 20_000;
const REQUESTS: usize = 60_000;
/// Events of a step in a busy node.
const BATCH: usize = 64;
/// Of the touches, so many in a hundred are lost.
const LOST_PERCENT: u32 = 10;
/// Points of hit ratio that are no matter.
const ALLOWED: f64 = 1.0;
/// For each of the two replays.
const TIME: Duration = Duration::from_secs(1);

/// Compares the hit ratio at one event a step with that in batches.
pub(super) fn judge(subject: &Subject, seed: u64) -> Result<Finding, Failure> {
    let stream = stream::uneven(KEYS, REQUESTS, seed);
    let (exact, replayed) = hit_ratio(subject, &stream, 1, 0)?;
    if replayed < REQUESTS / 4 {
        return Ok(Finding::skipped(format!("only {replayed} requests in {TIME:?}")));
    }
    let (batched, replayed) = hit_ratio(subject, &stream[..replayed], BATCH, LOST_PERCENT)?;
    let lost = (exact - batched) * 100.0;
    let seen = format!(
        "hit ratio {:.1} % at one event a step, {:.1} % at {BATCH} with {LOST_PERCENT} % of the \
         touches lost ({replayed} requests)",
        exact * 100.0,
        batched * 100.0
    );
    Ok(Finding::warning_if(lost > ALLOWED, seen))
}

/// The hit ratio behind the first quarter, which fills the cache, and how far it got in time.
fn hit_ratio(
    subject: &Subject,
    stream: &[u32],
    events: usize,
    lost_percent: u32,
) -> Result<(f64, usize), Failure> {
    // Between two steps it holds up to a batch more: this much on average.
    let capacity = CAPACITY - events as u32 / 2;
    let policy = subject.live(Cache::slots(capacity, events), capacity)?;
    let mut cache = Cache::new(policy, capacity, events);
    let mut random = StdRng::seed_from_u64(0);
    let mut deadline = Deadline::after(TIME);
    let warm = stream.len() / 4;
    let (mut hits, mut requests) = (0_u32, 0);
    for (at, key) in stream.iter().enumerate() {
        let is_told = random.random_range(0..100) >= lost_percent;
        let is_hit = cache.get(*key, is_told)?;
        hits += u32::from(is_hit && at >= warm);
        requests = at + 1;
        if deadline.is_over() {
            break;
        }
    }
    let counted = requests.saturating_sub(warm).max(1);
    Ok((f64::from(hits) / counted as f64, requests))
}
