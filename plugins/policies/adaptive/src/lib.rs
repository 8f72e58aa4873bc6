//! W-TinyLFU whose window is chosen by miniature simulation. It suits recent keys and
//! frequent keys alike.
//!
//! New entries come into a window in the order of use. Who leaves it meets the coldest entry
//! behind it, in a segmented LRU, and stays only if a sketch of the past uses counts it
//! higher by two or more; so one pass over many keys cannot drive out what is used often. G. Einziger,
//! R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy", ACM
//! Transactions on Storage 2017; G. Einziger, O. Eytan, R. Friedman, B. Manes, "Adaptive
//! software cache management", Middleware 2018.
//!
//! The best size of the window depends on the requests. Five small caches with different
//! windows run on a sample of the requests, and the window moves towards that of the best
//! cache: see `steering.rs`.
//!
//! Every operation is O(1), but that the sketch is halved after ten uses for each entry, and
//! copied when it grows. 21 to 26 bytes an entry, 4 for its weight in the SDK, and 290 KB.

mod segments;
mod shadows;
mod sketch;
mod steering;

use psycache_plugin::{Config, ConfigError, Entry, Policy, export_policy};
use segments::{HASH_BITS, Segments};
use sketch::Sketch;
use steering::Steering;

/// The window before anything is known, as W-TinyLFU has it without adaption.
const FIRST_WINDOW: f64 = 0.01;

/// A newcomer that was used as often as this may be admitted by chance.
const WARM_USES: u32 = 6;

/// One of so many of them is.
const CHANCES: u64 = 128;

/// W-TinyLFU with an adaptive window.
#[derive(Debug)]
pub struct Adaptive {
    segments: Segments,
    sketch: Sketch,
    steering: Steering,
    random: u64,
}

impl Adaptive {
    /// The key of that hash was asked for.
    #[inline]
    fn record(&mut self, hash: u32) {
        self.sketch.record(hash);
        if self.steering.is_sampled(hash) {
            self.steer(hash);
        }
    }

    #[cold]
    #[inline(never)]
    fn steer(&mut self, hash: u32) {
        let (entries, window) = (self.segments.settled_len(), self.segments.window_share());
        if self.steering.request(hash, entries, &self.sketch) {
            self.segments.set_window_share(self.steering.moved(window));
        }
    }
}

/// Whether the newcomer stays in place of the victim.
///
/// Chance lets a few in that were used often and no more than it: otherwise one who knows the hash could raise
/// the counts of cold entries by keys that share their counters, and so keep all others out.
fn deserves(newcomer: u32, victim: u32, sketch: &Sketch, random: &mut u64) -> bool {
    sketch.prefers(newcomer, victim)
        || sketch.estimate(newcomer) >= WARM_USES && drawn(random).is_multiple_of(CHANCES)
}

/// The next number (G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 2003).
fn drawn(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// As many bits as the lists keep, which depend on all of the hash. The sketch and the
/// shadows know an entry by them.
fn mixed(hash: u64) -> u32 {
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - HASH_BITS)) as u32
}

impl Policy for Adaptive {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        let bound = config.max_entries;
        Ok(Self {
            segments: Segments::new(bound, FIRST_WINDOW),
            sketch: Sketch::new(bound),
            steering: Steering::new(),
            // Xorshift never leaves zero.
            random: config.seed.max(1),
        })
    }

    fn begin_step(&mut self, _now_ms: u64) {
        // Or entries would wait until one comes or goes, and then go back all at once.
        self.segments.settle();
    }

    #[inline]
    fn touch(&mut self, slot: u32) {
        let hash = self.segments.touch(slot);
        self.record(hash);
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        let hash = mixed(entry.hash);
        self.segments.insert(slot, hash);
        self.sketch.fit(self.segments.len());
        self.steering.fit(self.segments.settled_len());
        self.record(hash);
    }

    fn remove(&mut self, slot: u32) {
        let hash = self.segments.remove(slot);
        self.steering.remove(hash);
    }

    fn victim(&mut self) -> Option<u32> {
        let Self { segments, sketch, random, .. } = self;
        segments.learn_full_len();
        segments.evict(|newcomer, victim| deserves(newcomer, victim, sketch, random))
    }
}

export_policy!(Adaptive);

#[cfg(test)]
mod tests;
