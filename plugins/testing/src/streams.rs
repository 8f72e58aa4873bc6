//! Deterministic request streams with the shapes that tell policies apart.

/// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Same seed, same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }
}

/// `count` requests over `keys` keys, the i-th most popular asked for in proportion to
/// i^-`exponent`.
pub fn zipf(keys: u64, exponent: f64, count: usize, seed: u64) -> Vec<u64> {
    let mut total = 0.0;
    let cumulated: Vec<f64> = (1..=keys)
        .map(|rank| {
            total += (rank as f64).powf(-exponent);
            total
        })
        .collect();
    let mut random = Random::new(seed);
    let draw = |_| {
        let point = (random.bits() >> 11) as f64 / (1u64 << 53) as f64 * total;
        cumulated.partition_point(|sum| *sum <= point) as u64
    };
    (0..count).map(draw).collect()
}

/// `count` requests that go round and round over `keys` keys.
pub fn circle(keys: u64, count: usize) -> Vec<u64> {
    (0..keys).cycle().take(count).collect()
}

/// Zipf requests over `keys` keys with a scan over as many keys never seen before and
/// after, each `scan` long, between every `calm` of them.
pub fn scans(keys: u64, calm: usize, scan: u64, count: usize, seed: u64) -> Vec<u64> {
    let (mut stream, mut fresh) = (Vec::with_capacity(count), keys);
    for part in zipf(keys, 0.8, count, seed).chunks(calm) {
        stream.extend_from_slice(part);
        stream.extend(fresh..fresh + scan);
        fresh += scan;
    }
    stream.truncate(count);
    stream
}

/// Requests that alternate between a `small` and a `large` pool of keys, each asked for
/// evenly: the example that LRU-K was made for.
pub fn two_pools(small: u64, large: u64, count: usize, seed: u64) -> Vec<u64> {
    let mut random = Random::new(seed);
    let draw = |at| match at % 2 {
        0 => random.below(small),
        _ => small + random.below(large),
    };
    (0..count).map(draw).collect()
}

/// One of each shape, sized for caches of tens of entries.
pub fn all(seed: u64) -> [(&'static str, Vec<u64>); 4] {
    [
        ("zipf", zipf(400, 0.9, 20_000, seed)),
        ("circle", circle(45, 5_000)),
        ("scans", scans(150, 500, 80, 20_000, seed)),
        ("two pools", two_pools(20, 300, 20_000, seed)),
    ]
}
