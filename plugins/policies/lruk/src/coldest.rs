//! A tournament over the slots that knows the coldest entry.

use crate::times::{GONE, Times};
use psycache_plugin::SlotArray;

/// Slots, or winners, that meet in one match.
const FIELD: u32 = 8;

/// Who won a match, with its warmth, so that a match between winners looks at eight
/// neighbours in memory instead of at the times of eight slots all over it.
#[derive(Clone, Copy, Debug)]
struct Winner {
    slot: u32,
    warmth: (u32, u32),
}

/// No entry took part.
const NOBODY: Winner = Winner { slot: u32::MAX, warmth: GONE };

/// The winner of each match between eight neighbours, of each match between eight
/// winners, and so on; at the top stands the coldest entry of all.
///
/// A use makes an entry warmer, which changes only the matches it had won, and an entry
/// in use has seldom won any: one look at the first match is nearly always enough. A
/// heap would move the entry down log n places and would need 8 bytes an entry to find
/// it there; this needs 12/8 + 12/64 + … = 1.7 and grows without copying.
#[derive(Debug)]
pub(crate) struct Coldest {
    /// From the matches between slots up to the final.
    rounds: Vec<SlotArray<Winner>>,
}

impl Coldest {
    pub(crate) fn new(max_entries: u32) -> Self {
        let (mut rounds, mut contenders) = (Vec::new(), max_entries);
        while rounds.is_empty() || contenders > 1 {
            contenders = contenders.div_ceil(FIELD);
            rounds.push(SlotArray::new(contenders, NOBODY));
        }
        Self { rounds }
    }

    /// The slot of the coldest entry.
    pub(crate) fn get(&self) -> Option<u32> {
        let winner = self.rounds.last()?.get(0);
        (winner.warmth != GONE).then_some(winner.slot)
    }

    /// The entry at `slot` came.
    pub(crate) fn came(&mut self, slot: u32, uses: &Times) {
        let warmth = uses.warmth(slot);
        let mut place = slot;
        for winners in &mut self.rounds {
            place /= FIELD;
            let winner = winners.get_mut(place);
            if winner.warmth <= warmth {
                return;
            }
            *winner = Winner { slot, warmth };
        }
    }

    /// The entry at `slot` became warmer, or left, which counts as warmest of all.
    pub(crate) fn warmed(&mut self, slot: u32, uses: &Times) {
        let mut place = slot;
        for round in 0..self.rounds.len() {
            place /= FIELD;
            if self.rounds[round].get(place).slot != slot {
                return;
            }
            let seats = place * FIELD..=place * FIELD + (FIELD - 1);
            let winner = match round {
                0 => coldest(seats.map(|slot| Winner { slot, warmth: uses.warmth(slot) })),
                _ => coldest(seats.map(|seat| self.rounds[round - 1].get(seat))),
            };
            self.rounds[round].set(place, winner);
        }
    }

    /// All times of use moved back, which makes no entry colder than one that it was
    /// warmer than.
    pub(crate) fn aged(&mut self, uses: &Times) {
        for winners in &mut self.rounds {
            winners.for_each_mut(|winner| winner.warmth = uses.warmth(winner.slot));
        }
    }
}

fn coldest(contenders: impl Iterator<Item = Winner>) -> Winner {
    let colder = |one: Winner, other: Winner| if other.warmth < one.warmth { other } else { one };
    contenders.fold(NOBODY, colder)
}
