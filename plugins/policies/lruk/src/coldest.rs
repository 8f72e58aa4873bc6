//! A tournament over the slots that knows the coldest entry.

use crate::times::Times;
use psycache_plugin::SlotArray;

/// Slots, or winners, that meet in one match.
const FIELD: u32 = 8;

/// Nobody took part.
const NOBODY: u32 = u32::MAX;

/// The winner of each match between eight neighbours, of each match between eight
/// winners, and so on; at the top stands the coldest entry of all.
///
/// A use makes an entry warmer, which changes only the matches it had won, and an entry
/// in use has seldom won any: one look at the first match is nearly always enough. A
/// heap would move the entry down log n places and would need 8 bytes an entry to find
/// it there; this needs 4/8 + 4/64 + … = 0.6 and grows without copying.
#[derive(Debug)]
pub(crate) struct Coldest {
    /// From the matches between slots up to the final.
    rounds: Vec<SlotArray<u32>>,
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
        (winner != NOBODY).then_some(winner)
    }

    /// The entry at `slot` came.
    pub(crate) fn came(&mut self, slot: u32, uses: &Times) {
        let warmth = uses.warmth(slot);
        let mut place = slot;
        for winners in &mut self.rounds {
            place /= FIELD;
            let winner = winners.get_mut(place);
            if *winner != NOBODY && uses.warmth(*winner) <= warmth {
                return;
            }
            *winner = slot;
        }
    }

    /// The entry at `slot` became warmer, or left, which counts as warmest of all.
    pub(crate) fn warmed(&mut self, slot: u32, uses: &Times) {
        let mut place = slot;
        for round in 0..self.rounds.len() {
            place /= FIELD;
            if self.rounds[round].get(place) != slot {
                return;
            }
            let winner = self.play(round, place, uses);
            self.rounds[round].set(place, winner);
        }
    }

    fn play(&self, round: usize, place: u32, uses: &Times) -> u32 {
        let (mut coldest, mut lowest) = (NOBODY, crate::times::GONE);
        for seat in place * FIELD..=place * FIELD + (FIELD - 1) {
            let contender = match round {
                0 => seat,
                _ => self.rounds[round - 1].get(seat),
            };
            if contender == NOBODY {
                continue;
            }
            let warmth = uses.warmth(contender);
            if warmth < lowest {
                (coldest, lowest) = (contender, warmth);
            }
        }
        coldest
    }
}
