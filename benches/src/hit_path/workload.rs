//! The workloads of the caches.

use std::time::Duration;

use crate::caches::Cache;
use crate::streams::{Key, percents, value, zipf};

/// Entries that every cache may hold.
pub(super) const ENTRIES: u32 = 100_000;

/// Keys of the skewed stream.
const KEYS: u32 = 1_000_000;

/// Keys that are held wherever a shard's share or room to spare is less than that.
const RESIDENT: u32 = 90_000;

/// Keys from here on are asked for once.
const ONCE: u32 = 1 << 28;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// Zipf 0.99 over ten times as many keys as fit: look up, insert on a miss.
    Zipf,
    /// Zipf 0.99 over keys that are all there.
    Hits,
    /// Keys that were never seen.
    Inserts,
    /// Three of four requests hit, the fourth is for a key that is never asked again.
    Scan,
    /// Zipf: 80 % look-ups with insert on a miss, 15 % sets, of which a third with a
    /// time to live, 5 % removals.
    Mix,
}

/// What one thread does: for each request a key and a draw below 100.
pub(super) struct Stream {
    keys: Vec<u32>,
    draws: Vec<u8>,
}

impl Stream {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Keeps the first `len` requests.
    pub(super) fn shorten(&mut self, len: usize) {
        self.keys.truncate(len);
        self.draws.truncate(len);
    }
}

impl Workload {
    pub(super) const ALL: [Self; 5] =
        [Self::Zipf, Self::Hits, Self::Inserts, Self::Scan, Self::Mix];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zipf => "zipf get-or-insert",
            Self::Hits => "all hits",
            Self::Inserts => "all inserts",
            Self::Scan => "hits and a scan",
            Self::Mix => "gets, sets, removes, TTLs",
        }
    }

    /// The time to live that some entries are set with.
    pub(super) fn ttl(self) -> Option<Duration> {
        (self == Self::Mix).then_some(Duration::from_secs(60))
    }

    /// Fills `cache` with the most frequent keys, the most frequent last.
    pub(super) fn fill(self, cache: &dyn Cache) {
        let mut key = Key::new();
        for number in (0..RESIDENT).rev() {
            cache.set(key.of(number), value(), None);
        }
    }

    /// A stream for each of `threads`, different in each round.
    pub(super) fn streams(self, threads: usize, len: usize, round: usize) -> Vec<Stream> {
        let seeds = (0..threads as u64).map(|thread| thread + 100 * round as u64);
        seeds.map(|seed| self.stream(len, seed)).collect()
    }

    fn stream(self, len: usize, seed: u64) -> Stream {
        let once = |at: usize| ONCE + (seed as u32) * (1 << 20) + at as u32;
        let keys = match self {
            Self::Zipf | Self::Mix => zipf(KEYS, len, seed),
            Self::Hits => zipf(RESIDENT, len, seed),
            Self::Inserts => (0..len).map(once).collect(),
            Self::Scan => {
                let hits = zipf(RESIDENT / 2, len, seed).into_iter().enumerate();
                hits.map(|(at, key)| if at % 4 == 3 { once(at) } else { key }).collect()
            }
        };
        let draws = if self == Self::Mix { percents(len, seed) } else { Vec::new() };
        Stream { keys, draws }
    }

    /// Runs the requests of `stream`, and returns the number of hits.
    pub(super) fn run(self, cache: &dyn Cache, stream: &Stream) -> u64 {
        let mut key = Key::new();
        let mut hits = 0;
        if self != Self::Mix {
            for number in &stream.keys {
                hits += u64::from(cache.get_or_insert(key.of(*number), &value));
            }
            return hits;
        }
        for (number, draw) in stream.keys.iter().zip(&stream.draws) {
            let key = key.of(*number);
            match draw {
                0..5 => cache.remove(key),
                5..10 => cache.set(key, value(), self.ttl()),
                10..20 => cache.set(key, value(), None),
                _ => hits += u64::from(cache.get_or_insert(key, &value)),
            }
        }
        hits
    }
}
