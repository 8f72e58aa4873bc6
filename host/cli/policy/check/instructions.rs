//! How many instructions an event takes, and how that grows with the entries.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::cache::Cache;
use super::deadline::Deadline;
use super::report::Finding;
use super::subject::Subject;
use crate::policy::Failure;

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
const EVENTS: usize = 64;
/// From one size to the next log n grows by a third at most, and the square root of n to 3.2
/// times what it was.
const ALLOWED: f64 = 2.0;
/// A phase ends after so many instructions: a policy that searches would take minutes.
const MOST: u64 = 300_000_000;
/// Or after so long.
const TIME: Duration = Duration::from_millis(500);
/// For all of them.
const WHOLE_TIME: Duration = Duration::from_secs(3);

/// What is done to a full cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Entries are used.
    Hits,
    /// Half of the requests are for new keys.
    Misses,
    /// Each entry is used once, then as many new keys come that are used once: a policy that
    /// spares used entries has to get past all of them.
    Scan,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Hits, Self::Misses, Self::Scan];

    fn name(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Misses => "misses",
            Self::Scan => "a scan",
        }
    }
}

/// Measures each phase at each size.
pub(super) fn judge(subject: &Subject, seed: u64) -> Result<Finding, Failure> {
    let until = Instant::now() + WHOLE_TIME;
    let mut told = Vec::new();
    let (mut is_bad, mut is_compared) = (false, true);
    for phase in Phase::ALL {
        let mut costs = Vec::new();
        for size in SIZES {
            let Some(cost) = cost(subject, phase, size, seed)? else { break };
            costs.push(cost);
            if Instant::now() > until {
                break;
            }
        }
        is_compared &= costs.len() > 1;
        is_bad |= costs.windows(2).any(|pair| pair[1] > pair[0] * ALLOWED);
        let costs: Vec<String> = costs.iter().map(|cost| format!("{cost:.0}")).collect();
        told.push(format!("{} {}", phase.name(), costs.join(", ")));
    }
    let seen =
        format!("instructions an event at 1,000, 10,000, 100,000 entries: {}", told.join("; "));
    match is_compared || is_bad {
        true => Ok(Finding::warning_if(is_bad, seen)),
        false => Ok(Finding::skipped(format!("{seen}; more entries take too long to tell"))),
    }
}

/// Instructions an event. None: the cache could not be filled in time.
fn cost(subject: &Subject, phase: Phase, size: u32, seed: u64) -> Result<Option<f64>, Failure> {
    let policy = subject.metered(Cache::slots(size, EVENTS), size)?;
    let mut meter =
        Meter { cache: Cache::new(policy, size, EVENTS), deadline: Deadline::after(TIME) };
    if meter.run(0..size)? < size {
        return Ok(None);
    }
    let mut random = StdRng::seed_from_u64(seed);
    meter.deadline = Deadline::after(TIME);
    let before = meter.instructions();
    let events = match phase {
        Phase::Hits => meter.run((0..size).map(|_| random.random_range(0..size)))?,
        Phase::Misses => {
            let mut fresh = size;
            let mut draw = || match random.random_ratio(1, 2) {
                true => random.random_range(0..size),
                false => {
                    fresh += 1;
                    fresh
                }
            };
            // Twice, so that as many keys come as there are entries.
            meter.run((0..2 * size).map(|_| draw()))?
        }
        Phase::Scan => return meter.scan(size, &mut random).map(Some),
    };
    Ok(Some((meter.instructions() - before) as f64 / f64::from(events.max(1))))
}

struct Meter {
    cache: Cache,
    deadline: Deadline,
}

impl Meter {
    fn instructions(&self) -> u64 {
        self.cache.policy().instructions()
    }

    /// Asks for `keys` until it takes too long, and says for how many.
    fn run(&mut self, keys: impl Iterator<Item = u32>) -> Result<u32, Failure> {
        let most = self.instructions() + MOST;
        let mut asked = 0;
        for key in keys {
            self.cache.get(key, true)?;
            asked += 1;
            if self.deadline.is_over() || self.instructions() > most {
                break;
            }
        }
        Ok(asked)
    }

    /// The touches count as much as of the scan was done.
    fn scan(&mut self, size: u32, random: &mut StdRng) -> Result<f64, Failure> {
        let mut entries: Vec<u32> = (0..size).collect();
        entries.shuffle(random);
        let before = self.instructions();
        self.run(entries.into_iter())?;
        let touched = self.instructions();
        let scanned = self.run(size..2 * size)?.max(1);
        let share = f64::from(scanned) / f64::from(size);
        let cost = (touched - before) as f64 * share + (self.instructions() - touched) as f64;
        Ok(cost / f64::from(2 * scanned))
    }
}
