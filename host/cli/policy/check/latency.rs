//! How much processor time a step takes in a large cache.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::cache::Cache;
use super::deadline::Deadline;
use super::report::Finding;
use super::subject::Subject;
use crate::plugin::processor_time;
use crate::policy::Failure;

const ENTRIES: u32 = 1_000_000;
const EVENTS: usize = 64;
const STEPS: usize = 2_000;
/// For filling the cache, and again for measuring.
const TIME: Duration = Duration::from_millis(1_500);
/// A twentieth of what ends an instance.
const ALLOWED: Duration = Duration::from_millis(5);

/// The 99th percentile of a step, three quarters of whose events are hits.
pub(super) fn judge(subject: &Subject, seed: u64) -> Result<Finding, Failure> {
    let policy = subject.live(Cache::slots(ENTRIES, EVENTS), ENTRIES)?;
    let mut cache = Cache::new(policy, ENTRIES, EVENTS);
    let mut deadline = Deadline::after(TIME);
    let mut entries = 0;
    while entries < ENTRIES && !deadline.is_over() {
        cache.get(entries, true)?;
        entries += 1;
    }
    let mut random = StdRng::seed_from_u64(seed);
    let until = Instant::now() + TIME;
    let (mut times, mut fresh) = (Vec::with_capacity(STEPS), entries);
    loop {
        let begun = processor_time();
        for _ in 0..EVENTS {
            let is_hit = random.random_ratio(3, 4);
            let key = if is_hit { random.random_range(0..entries) } else { fresh };
            fresh += u32::from(!is_hit);
            cache.get(key, true)?;
        }
        times.push(processor_time().saturating_sub(begun));
        if times.len() >= STEPS || Instant::now() >= until {
            break;
        }
    }
    times.sort_unstable();
    let percentile = times[(times.len() * 99 / 100).min(times.len() - 1)];
    let each = times.iter().sum::<Duration>() / (times.len() * EVENTS) as u32;
    let seen = format!(
        "99th percentile of {} steps of {EVENTS} events at {entries} entries: {} µs of processor \
         time; an event takes {} ns",
        times.len(),
        percentile.as_micros(),
        each.as_nanos()
    );
    Ok(Finding::warning_if(percentile > ALLOWED, seen))
}
