//! Request streams for the measurements.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// `count` requests over `keys` keys, the i-th most popular asked for in proportion to
/// 1 / i^0.9, with a scan over 500 keys that nobody asks for again after each 5,000.
pub(super) fn uneven(keys: u32, count: usize, seed: u64) -> Vec<u32> {
    let mut total = 0.0;
    let weigh = |rank: u32| {
        total += f64::from(rank).powf(-0.9);
        total
    };
    let sums: Vec<f64> = (1..=keys).map(weigh).collect();
    let mut random = StdRng::seed_from_u64(seed);
    let mut fresh = keys;
    let mut stream = Vec::with_capacity(count + 5_000);
    while stream.len() < count {
        for _ in 0..5_000 {
            let point = random.random_range(0.0..total);
            stream.push(sums.partition_point(|sum| *sum <= point) as u32);
        }
        stream.extend(fresh..fresh + 500);
        fresh += 500;
    }
    stream.truncate(count);
    stream
}
