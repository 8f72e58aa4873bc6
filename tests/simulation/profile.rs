//! What one run is like.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use psycache::group::Uncertain;
use psycache::ownership::Timing;

#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) places: usize,
    pub(super) finding: Finding,
    pub(super) timing: Timing,
    pub(super) uncertain: Uncertain,
    pub(super) capacity: u64,
    /// Milliseconds that a message takes at most, where the link is not slow.
    pub(super) quick_ms: u64,
    /// One node crashes or leaves, once, and nothing else goes wrong.
    pub(super) is_mild: bool,
    /// From when on the first key is asked for so often that it is lent, for a few seconds;
    /// it is changed often then, too.
    pub(super) hot_from_ms: Option<u64>,
    /// One node leaves and joins again all the time, and changes meet that.
    pub(super) rejoins: bool,
    /// A client is lent hot values too.
    pub(super) client_borrows: bool,
    /// Several clients change a key at a time.
    pub(super) in_parallel: bool,
}

/// How nodes find each other in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Registry,
    List,
}

/// In one of so many runs a node rejoins. It follows from the seed itself, so that the
/// chances of all other runs stay the same.
const ONE_REJOINS_IN: u64 = 8;

/// In one of so many runs a client borrows: in half of those in which a node rejoins, and in
/// as many others. It follows from the seed, too.
const ONE_BORROWS_IN: u64 = 8;

impl Profile {
    pub(super) fn new(random: &mut StdRng, seed: u64) -> Self {
        let (short, long) = match random.random_range(0..4) {
            // With short leases more happens in the same time.
            0 | 1 => (2, 6),
            2 => (3, 20),
            _ => (5, 120),
        };
        let timing =
            Timing { lease: Duration::from_secs(short), long_lease: Duration::from_secs(long) };
        let profile = Self {
            places: random.random_range(2..=4),
            finding: match random.random_bool(0.12) {
                true => Finding::List,
                false => Finding::Registry,
            },
            timing,
            uncertain: match random.random_bool(0.5) {
                true => Uncertain::Strict,
                false => Uncertain::Brief,
            },
            // Room for one entry or two, or for all.
            capacity: if random.random_bool(0.1) { 160 } else { 1 << 20 },
            quick_ms: random.random_range(1..=20),
            is_mild: random.random_bool(0.1),
            hot_from_ms: random.random_bool(0.2).then(|| random.random_range(3_000..16_000)),
            rejoins: seed.is_multiple_of(ONE_REJOINS_IN),
            client_borrows: [0, ONE_BORROWS_IN + 1].contains(&(seed % (2 * ONE_BORROWS_IN))),
            in_parallel: random.random_bool(0.3),
        };
        if profile.rejoins { profile.rejoining() } else { profile }
    }

    /// Three nodes have a part in it.
    fn rejoining(self) -> Self {
        let places = self.places.max(3);
        Self { places, finding: Finding::Registry, is_mild: false, hot_from_ms: None, ..self }
    }
}
