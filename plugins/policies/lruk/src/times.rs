//! The last K times of use of each entry.

use psycache_plugin::SlotArray;

/// No use that far back.
const NEVER: u32 = 0;

/// The time of an entry that is not there: later than every other.
pub(crate) const ABSENT: u32 = u32::MAX;

/// The [`Times::warmth`] of an entry that is not there.
pub(crate) const GONE: (u32, u32) = (ABSENT, ABSENT);

/// How far [`Times::age`] moves the past.
pub(crate) const HALF: u32 = u32::MAX / 2;

/// For each slot its last `depth` times, 4 bytes each, the latest first.
///
/// Times count uses and would need 8 bytes for ever; in 4 they run out after four
/// billion uses, and then [`age`](Self::age) makes room.
#[derive(Debug)]
pub(crate) struct Times {
    latest_first: Vec<SlotArray<u32>>,
}

impl Times {
    pub(crate) fn new(depth: usize, bound: u32) -> Self {
        // Not by `vec!`: a clone reserves nothing.
        let times = |_| SlotArray::new(bound, ABSENT);
        Self { latest_first: (0..depth).map(times).collect() }
    }

    /// An entry comes to `slot` without a past.
    pub(crate) fn begin(&mut self, slot: u32) {
        self.latest_first.iter_mut().for_each(|times| times.set(slot, NEVER));
    }

    /// The entry leaves `slot`.
    pub(crate) fn clear(&mut self, slot: u32) {
        self.latest_first.iter_mut().for_each(|times| times.set(slot, ABSENT));
    }

    /// The entry at `slot` gets the past that `from` has of its slot `origin`, as far
    /// back as both reach.
    pub(crate) fn resume(&mut self, slot: u32, from: &Self, origin: u32) {
        self.begin(slot);
        for (times, past) in self.latest_first.iter_mut().zip(&from.latest_first) {
            times.set(slot, past.get(origin));
        }
    }

    /// The entry at `slot` is used.
    pub(crate) fn record(&mut self, slot: u32, mut time: u32) {
        for times in &mut self.latest_first {
            time = std::mem::replace(times.get_mut(slot), time);
        }
    }

    /// What orders entries from cold to warm: the K-th last use, then the last one.
    pub(crate) fn warmth(&self, slot: u32) -> (u32, u32) {
        let at = |depth: usize| self.latest_first[depth].get(slot);
        (at(self.latest_first.len() - 1), at(0))
    }

    /// Moves all times back by [`HALF`]. What was used last more than two billion uses
    /// ago becomes equally old; the order of all else stays.
    pub(crate) fn age(&mut self) {
        for times in &mut self.latest_first {
            times.for_each_mut(|time| match *time {
                NEVER | ABSENT => {}
                _ => *time = time.saturating_sub(HALF).max(NEVER + 1),
            });
        }
    }

    #[cfg(test)]
    pub(crate) fn dump(&self, slot: u32) -> Vec<u32> {
        self.latest_first.iter().map(|times| times.get(slot)).collect()
    }
}
