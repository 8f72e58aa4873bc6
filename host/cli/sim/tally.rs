//! What is counted of a cache in a simulation.

use std::num::NonZeroU32;

use super::request::{Kind, Request};

/// How much gets ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Volume {
    gets: u64,
    bytes: u64,
    load_us: u64,
}

/// Sums over the gets that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    asked: Volume,
    hits: Volume,
}

/// Shares of the gets of a whole trace, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratios {
    /// Of gets.
    pub(super) hits: f64,
    /// Of the bytes that they ask for.
    pub(super) bytes: f64,
    /// Of the load time of all gets.
    pub(super) load_time: f64,
}

impl Volume {
    /// Gets of which no more is known.
    pub(super) fn of(gets: u64) -> Self {
        Self { gets, ..Self::default() }
    }

    /// Adds a get.
    pub(super) fn add(&mut self, size: u32, load_us: u32) {
        self.gets += 1;
        self.add_value(size, load_us);
    }

    fn add_value(&mut self, size: u32, load_us: u32) {
        self.bytes += u64::from(size);
        self.load_us += u64::from(load_us);
    }

    /// Number of gets.
    pub(super) fn gets(self) -> u64 {
        self.gets
    }
}

impl Tally {
    /// Gets and hits alone.
    pub(super) fn of(gets: u64, hits: u64) -> Self {
        Self { asked: Volume::of(gets), hits: Volume::of(hits) }
    }

    /// Gets that count, and those of them that were hits.
    pub(super) fn gets_and_hits(self) -> (u64, u64) {
        (self.asked.gets, self.hits.gets)
    }

    /// Counts a get, or what it loads, whose key is there or not.
    pub(super) fn count(&mut self, request: &Request, is_there: bool) {
        let Request { size, load_us, kind, is_counted, .. } = *request;
        match kind {
            _ if !is_counted => {}
            Kind::Get | Kind::Miss if is_there => {
                self.asked.add(size, load_us);
                self.hits.add(size, load_us);
            }
            Kind::Get => self.asked.add(size, load_us),
            // What it asks for is known when it is loaded.
            Kind::Miss => self.asked.gets += 1,
            Kind::Load if !is_there => self.asked.add_value(size, load_us),
            Kind::Load | Kind::Set | Kind::Remove | Kind::Clear => {}
        }
    }

    /// The ratios of the whole trace, whose gets are `all`, of which this was counted on one key
    /// in `sample`. The misses of a sample tell most: which requests it has depends on a few
    /// frequent keys (C. A. Waldspurger et al., "Cache modeling and optimization using miniature
    /// simulations", ATC 2017).
    pub(super) fn ratios(&self, sample: NonZeroU32, all: Volume) -> Ratios {
        let ratio = |of: fn(Volume) -> u64| {
            let (hits, asked, all) = (of(self.hits), of(self.asked), of(all));
            // Without a sample, or where a recording does not tell of all keys.
            if sample.get() == 1 || all == 0 {
                return hits as f64 / asked.max(1) as f64;
            }
            let misses = (asked - hits) as f64 * f64::from(sample.get());
            (1.0 - misses / all as f64).max(0.0)
        };
        Ratios {
            hits: ratio(|volume| volume.gets),
            bytes: ratio(|volume| volume.bytes),
            load_time: ratio(|volume| volume.load_us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ratios_of_a_sample_are_told_by_its_misses() {
        let mut tally = Tally::default();
        let get = |size| Request { size, load_us: 10, is_counted: true, ..Request::default() };
        tally.count(&get(100), true);
        tally.count(&get(300), false);
        let mut all = Volume::default();
        (0..8).for_each(|_| all.add(150, 40));
        let half = NonZeroU32::new(2).unwrap();
        let sampled = tally.ratios(half, all);
        assert_eq!(sampled, Ratios { hits: 0.75, bytes: 0.5, load_time: 0.9375 });
        let whole = tally.ratios(NonZeroU32::MIN, all);
        assert_eq!(whole, Ratios { hits: 0.5, bytes: 0.25, load_time: 0.5 });
        // A recording tells the gets of all keys, and no more of them.
        let recorded = tally.ratios(half, Volume::of(8));
        assert_eq!(recorded, Ratios { hits: 0.75, bytes: 0.25, load_time: 0.5 });
    }

    #[test]
    fn a_miss_asks_for_what_it_loads() {
        let mut tally = Tally::default();
        let of = |kind, size| Request { kind, size, is_counted: true, ..Request::default() };
        tally.count(&of(Kind::Miss, 1), false);
        tally.count(&of(Kind::Load, 300), false);
        tally.count(&of(Kind::Miss, 100), true);
        tally.count(&of(Kind::Load, 100), true);
        let ratios = tally.ratios(NonZeroU32::MIN, Volume::default());
        assert_eq!((ratios.hits, ratios.bytes), (0.5, 0.25));
    }
}
