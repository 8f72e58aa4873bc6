//! Chooses the window: several are tried on a sample of the requests.

use crate::segments::HASH_BITS;
use crate::shadows::{COUNT, Shadows};
use crate::sketch::Sketch;

/// The windows that are tried, as shares of the entries.
const WINDOWS: [f64; COUNT] = [0.01, 0.05, 0.2, 0.5, 0.9];

/// A shadow has fewer than twice as many entries. It has at least as many, where the cache
/// has.
const SHADOW_ENTRIES: u32 = 512;

/// Looks at the scores while as many keys are asked for as a shadow has entries.
const LOOKS_PER_CAPACITY: u32 = 4;

/// A hit counts half after this many times as many requests as a shadow has entries.
const HALF_LIFE_CAPACITIES: f64 = 8.0;

/// How much of the way to its target, on a logarithmic scale, the window goes at a look.
const PACE: f64 = 0.1;

/// Steers by miniature simulation (C. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, "Cache modeling
/// and optimization using miniature simulations", USENIX ATC 2017): shadows of the cache
/// with other windows, over the keys whose hash begins with some zero bits.
#[derive(Debug)]
pub(crate) struct Steering {
    shadows: Shadows,
    /// The hits of each shadow, the older the less.
    scores: [f64; COUNT],
    /// Zero bits that the hash of a sampled key begins with.
    sample_bits: u32,
    /// Sampled requests since the last look.
    requests: u32,
}

impl Steering {
    pub(crate) fn new() -> Self {
        Self { shadows: Shadows::new(WINDOWS), scores: [0.0; COUNT], sample_bits: 0, requests: 0 }
    }

    /// Whether the shadows see requests for the key.
    #[inline]
    pub(crate) fn is_sampled(&self, hash: u32) -> bool {
        is_sampled(hash, self.sample_bits)
    }

    /// Samples so few keys of a cache of that many entries that the shadows stay small.
    pub(crate) fn fit(&mut self, entries: u32) {
        while entries >> self.sample_bits >= 2 * SHADOW_ENTRIES {
            self.sample_bits += 1;
            let sample_bits = self.sample_bits;
            self.shadows.retain(|hash| is_sampled(hash, sample_bits));
        }
        // Not before they are half of what they should be: they are sampled anew, and a number
        // of entries that goes up and down must not empty them each time.
        while self.sample_bits > 0 && entries >> self.sample_bits < SHADOW_ENTRIES / 2 {
            self.sample_bits -= 1;
        }
    }

    /// A sampled key is asked for, in a cache of so many entries. Whether it is time to
    /// move the window.
    pub(crate) fn request(&mut self, hash: u32, entries: u32, sketch: &Sketch) -> bool {
        let capacity = (entries >> self.sample_bits).max(1);
        let Self { shadows, scores, .. } = self;
        shadows.request(hash, capacity, sketch, |shadow| scores[shadow] += 1.0);
        self.requests += 1;
        if self.requests < (capacity / LOOKS_PER_CAPACITY).max(1) {
            return false;
        }
        self.requests = 0;
        true
    }

    /// The window to have in place of `window`, after one more look at the scores.
    pub(crate) fn moved(&mut self, window: f64) -> f64 {
        let moved = window.powf(1.0 - PACE) * self.target().powf(PACE);
        let looks_per_half_life = HALF_LIFE_CAPACITIES * f64::from(LOOKS_PER_CAPACITY);
        let faded = (-1.0 / looks_per_half_life).exp2();
        self.scores.iter_mut().for_each(|score| *score *= faded);
        moved
    }

    /// The key is deleted.
    pub(crate) fn remove(&mut self, hash: u32) {
        if self.is_sampled(hash) {
            self.shadows.remove(hash);
        }
    }

    /// The geometric mean of the tried windows. Chance moves a score by about its root, so
    /// one that is several roots behind the best counts for little.
    fn target(&self) -> f64 {
        let best = self.scores.iter().copied().fold(1.0, f64::max);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (window, score) in WINDOWS.iter().zip(&self.scores) {
            let weight = ((score - best) / best.sqrt()).exp();
            sum += weight * window.ln();
            weights += weight;
        }
        (sum / weights).exp()
    }
}

/// Whether the hash begins with so many zero bits.
#[inline]
fn is_sampled(hash: u32, sample_bits: u32) -> bool {
    hash >> (HASH_BITS - sample_bits) == 0
}
