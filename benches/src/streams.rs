//! Keys, values, and the order in which they are asked for.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// Bytes of a value.
pub(crate) const VALUE_BYTES: usize = 100;

/// A key of 16 to 40 bytes, made in place: a few nanoseconds, where a table of
/// keys would cost a cache miss that is no cache's own.
pub(crate) struct Key([u8; 40]);

impl Key {
    pub(crate) fn new() -> Self {
        Self(*b"0123456789abcdef/profile/settings/v2/abc")
    }

    /// The key of `number`: its digits, scattered, and a tail.
    pub(crate) fn of(&mut self, number: u32) -> &str {
        let scattered = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for (half, place) in [scattered >> 32, scattered & 0xffff_ffff].into_iter().zip([0, 8]) {
            self.0[place..place + 8].copy_from_slice(&digits(half).to_le_bytes());
        }
        let len = 16 + (scattered % 25) as usize;
        std::str::from_utf8(&self.0[..len]).expect("digits and a tail")
    }

    /// Bytes of the key of `number`.
    pub(crate) fn len(number: u32) -> usize {
        Self::new().of(number).len()
    }
}

/// Eight letters for the eight half bytes of `half`, all at once.
fn digits(half: u64) -> u64 {
    let mut spread = half;
    spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    spread + u64::from(b'a') * 0x0101_0101_0101_0101
}

/// What a loader would hand over: bytes of their own.
pub(crate) fn value() -> Bytes {
    static TEMPLATE: [u8; VALUE_BYTES] = [7; VALUE_BYTES];
    Bytes::copy_from_slice(std::hint::black_box(&TEMPLATE))
}

/// `len` numbers below `keys`, 0 the most frequent, the n-th `1 / n^0.99` times as
/// often.
pub(crate) fn zipf(keys: u32, len: usize, seed: u64) -> Vec<u32> {
    zipf_of(keys, 0.99, len, seed)
}

/// The same with `1 / n^skew`.
pub(crate) fn zipf_of(keys: u32, skew: f64, len: usize, seed: u64) -> Vec<u32> {
    let random = SmallRng::seed_from_u64(seed);
    let zipf = Zipf::new(f64::from(keys), skew).expect("there are keys");
    zipf.sample_iter(random).take(len).map(|number: f64| number as u32 - 1).collect()
}

/// Even draws below 100, for what a request does.
pub(crate) fn percents(len: usize, seed: u64) -> Vec<u8> {
    let mut random = SmallRng::seed_from_u64(seed);
    (0..len).map(|_| random.random_range(0..100)).collect()
}
