//! What is counted of a cache in a simulation.

use std::num::NonZeroU32;

use super::request::{Kind, Request};

/// Sums over the gets that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    gets: u64,
    hits: u64,
    bytes: u64,
    hit_bytes: u64,
    load_us: u64,
    hit_load_us: u64,
}

/// Shares of the gets of a whole trace, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratios {
    /// Of gets.
    pub(super) hits: f64,
    /// Of the bytes that were asked for.
    pub(super) bytes: f64,
    /// Of the load time of all gets.
    pub(super) load_time: f64,
}

impl Tally {
    /// Gets and hits alone.
    pub(super) fn of(gets: u64, hits: u64) -> Self {
        Self { gets, hits, ..Self::default() }
    }

    /// Counts a get.
    pub(super) fn count(&mut self, request: &Request, is_hit: bool) {
        if request.kind != Kind::Get || !request.is_counted {
            return;
        }
        let (size, load_us) = (u64::from(request.size), u64::from(request.load_us));
        self.gets += 1;
        self.bytes += size;
        self.load_us += load_us;
        if is_hit {
            self.hits += 1;
            self.hit_bytes += size;
            self.hit_load_us += load_us;
        }
    }

    /// The ratios of the whole trace, of which this was counted on one key in `sample`. The
    /// misses of a sample tell most: which requests it has depends on a few frequent keys
    /// (C. A. Waldspurger et al., "Cache modeling and optimization using miniature simulations",
    /// ATC 2017).
    pub(super) fn ratios(&self, sample: NonZeroU32, all_gets: u64) -> Ratios {
        let hits = match sample.get() {
            1 => share(self.hits, self.gets),
            one_in => {
                let misses = (self.gets - self.hits) as f64 * f64::from(one_in);
                (1.0 - misses / all_gets.max(1) as f64).max(0.0)
            }
        };
        Ratios {
            hits,
            bytes: share(self.hit_bytes, self.bytes),
            load_time: share(self.hit_load_us, self.load_us),
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
