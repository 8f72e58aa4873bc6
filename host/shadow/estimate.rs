//! What a sample says of all requests, and how wrong that may be.

/// Parts of the sample, by hash. Their spread gives the error.
const PARTS: usize = 64;

/// The misses of one cache.
#[derive(Clone, Debug)]
pub(super) struct Misses([u64; PARTS]);

impl Default for Misses {
    fn default() -> Self {
        Self([0; PARTS])
    }
}

impl Misses {
    /// Counts a miss of the key with this hash.
    pub(super) fn count(&mut self, hash: u64) {
        // The high bits of a product depend on all bits.
        let part = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PARTS.ilog2());
        self.0[part as usize] += 1;
    }

    /// The misses of all keys, where the sample has a `share` of them, and the 95 % error of
    /// that.
    ///
    /// The requests of a sample differ by chance from its share of all requests, above all
    /// by whether the hottest keys are in it. These are hits, so the misses vary less. The
    /// caller must therefore divide by the true number of requests, not by that of the sample.
    pub(super) fn of_all(&self, share: f64) -> (f64, f64) {
        let sum: u64 = self.0.iter().sum();
        let mean = sum as f64 / PARTS as f64;
        let squares: f64 = self.0.iter().map(|misses| (*misses as f64 - mean).powi(2)).sum();
        // Parts of the sample are like samples themselves, so their spread is that of the sum.
        // A sample of all keys has no error.
        let variance = squares * PARTS as f64 / (PARTS - 1) as f64 * (1.0 - share);
        (sum as f64 / share, 2.0 * variance.sqrt() / share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_all_keys_has_no_error() {
        let mut misses = Misses::default();
        (0..1000).for_each(|hash| misses.count(hash));
        assert_eq!(misses.of_all(1.0), (1000.0, 0.0));
    }

    /// Over many samples of keys that miss from once to a hundred times, the true number is
    /// within the error about as often as promised.
    #[test]
    fn the_error_is_kept_in_about_19_of_20_samples() {
        let weight = |key: u64| 1 + key % 100;
        let truth: u64 = (0..20_000).map(weight).sum();
        let within = (0_u64..200).filter(|round| {
            let mut misses = Misses::default();
            for key in 0..20_000_u64 {
                let mixed = (key * 200 + round).wrapping_mul(0xd6e8_feb8_6659_fd93);
                let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
                let hash = mixed ^ mixed >> 32;
                if hash % 10 == 0 {
                    (0..weight(key)).for_each(|_| misses.count(hash));
                }
            }
            let (all, error) = misses.of_all(0.1);
            (all - truth as f64).abs() <= error
        });
        let within = within.count();
        assert!((180..=199).contains(&within), "{within} of 200");
    }
}
