//! A permutation of the slots for each node, computed in both directions.

use super::slots::{SLOT_BITS, SLOTS};

const MASK: u32 = SLOTS as u32 - 1;
/// At least half of the bits, so that `x ^= x >> SHIFT` is its own inverse.
const SHIFT: u32 = SLOT_BITS.div_ceil(2);

/// A permutation of `0..SLOTS` that a 64-bit key selects.
///
/// It alternates `x ^= x >> SHIFT` and multiplication by an odd number modulo
/// [`SLOTS`]. Both can be inverted, so the whole is a permutation, and
/// [`rank_of`](Self::rank_of) costs as much as [`slot_at`](Self::slot_at). The
/// key gives three multipliers of 17 bits, whose lowest bit is 1, and an offset of
/// 16 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    offset: u32,
    multipliers: [u32; 3],
    /// The inverses of the multipliers modulo 2^32, the last one first.
    inverses: [u32; 3],
}

impl Permutation {
    pub(super) fn new(key: u64) -> Self {
        let part = |number: u32| u32::from((key >> (16 * number)) as u16);
        let [first, second, third] = [part(0), part(1), part(2)].map(|part| part << 1 | 1);
        Self {
            offset: part(3),
            multipliers: [first, second, third],
            inverses: [third, second, first].map(inverse),
        }
    }

    /// The slot at `rank`.
    #[inline]
    pub(super) fn slot_at(&self, rank: u32) -> u32 {
        let mut x = rank.wrapping_add(self.offset) & MASK;
        for multiplier in self.multipliers {
            x ^= x >> SHIFT;
            x = x.wrapping_mul(multiplier) & MASK;
        }
        x ^ (x >> SHIFT)
    }

    /// The rank at which `slot` stands.
    #[inline]
    pub(super) fn rank_of(&self, slot: u32) -> u32 {
        let mut x = slot ^ (slot >> SHIFT);
        for inverse in self.inverses {
            x = x.wrapping_mul(inverse) & MASK;
            x ^= x >> SHIFT;
        }
        x.wrapping_sub(self.offset) & MASK
    }
}

/// The inverse of an odd number modulo 2^32, by Newton's iteration: an odd number
/// is its own inverse modulo 8, and each step doubles the bits that are right.
fn inverse(odd: u32) -> u32 {
    (0..4).fold(odd, |x, _| x.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(x))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_one_rank() {
        for key in [0, 1, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210, u64::MAX] {
            let permutation = Permutation::new(key);
            let mut seen = vec![false; SLOTS];
            for rank in 0..=MASK {
                let slot = permutation.slot_at(rank);
                assert_eq!(permutation.rank_of(slot), rank, "key {key:#x}");
                assert!(!std::mem::replace(&mut seen[slot as usize], true), "{slot} twice");
            }
        }
    }

    #[test]
    fn inverses_are_exact() {
        for odd in [1, 3, 5, 0x1_ffff, 0x1_5555, u32::MAX] {
            assert_eq!(inverse(odd).wrapping_mul(odd), 1, "{odd}");
        }
    }
}
