//! The scores of a node, which decide the order of the nodes at each slot.

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::node::RingNode;
use super::permutation::Permutation;
use super::slots::SLOTS;

/// Fractional bits of [`QUANTILES`].
pub(super) const QUANTILE_BITS: u32 = 28;
/// Fractional bits of the reciprocal of a weight.
pub(super) const RECIPROCAL_BITS: u32 = 32;
/// The low bits of a score hold the index of the node.
const INDEX_MASK: u64 = u16::MAX as u64;

/// The quantiles of the exponential distribution with rate 1: for each rank
/// `-ln(1 - (rank + 1/2) / SLOTS)`, in units of 2^-28.
///
/// The logarithm is the integral of `1 / (SLOTS - x)` from 0 to `rank + 1/2`, here
/// the sum of steps of 1/2, each with the value at its middle. Integer division
/// makes it the same on all machines. The largest is 12.4, so all fit into 32 bits.
pub(super) static QUANTILES: LazyLock<Box<[u32]>> = LazyLock::new(|| {
    /// Fractional bits of the sum beyond [`QUANTILE_BITS`].
    const GUARD_BITS: u32 = 20;
    const ONE: u64 = 1 << (QUANTILE_BITS + GUARD_BITS);
    let mut sum = 0;
    let slots_left = (1..=SLOTS as u64).rev();
    let quantiles = slots_left.map(|left| {
        let quantile = sum + 2 * ONE / (4 * left - 1);
        sum = quantile + 2 * ONE / (4 * left - 3);
        (quantile >> GUARD_BITS) as u32
    });
    quantiles.collect()
});

/// A node that competes for slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contender {
    pub(super) permutation: Permutation,
    reciprocal_weight: u64,
    /// Its place in the list of nodes, which is sorted by address.
    index: u16,
}

impl Contender {
    /// The contender for `node`, which is number `index` by address. The weight is
    /// between 1 and [`MAX_WEIGHT`](super::MAX_WEIGHT).
    pub(super) fn new(node: &RingNode, index: u16) -> Self {
        Self {
            permutation: Permutation::new(xxh3_64(node.address.as_bytes())),
            reciprocal_weight: (1 << RECIPROCAL_BITS) / u64::from(node.weight),
            index,
        }
    }

    /// Its score at a slot whose rank has this quantile: `quantile / weight`, with
    /// the index in the low 16 bits. The least score is first.
    ///
    /// Two contenders never have the same score. Those with the same quotient are ordered
    /// by index, that is by address, independent of the other nodes.
    #[inline]
    pub(super) fn score(&self, quantile: u32) -> u64 {
        (u64::from(quantile) * self.reciprocal_weight) & !INDEX_MASK | u64::from(self.index)
    }

    /// Its score at `slot`.
    #[inline]
    pub(super) fn score_at(&self, slot: u32) -> u64 {
        self.score(QUANTILES[self.permutation.rank_of(slot) as usize])
    }
}

/// The index of the contender that has this score.
#[inline]
pub(super) fn index_of(score: u64) -> u16 {
    (score & INDEX_MASK) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_logarithms() {
        assert!(QUANTILES.is_sorted_by(|one, next| one < next));
        for (rank, &quantile) in QUANTILES.iter().enumerate() {
            let quantile = f64::from(quantile) / f64::from(1 << QUANTILE_BITS);
            let exact = -(-(rank as f64 + 0.5) / SLOTS as f64).ln_1p();
            // The steps are large only at the last ranks.
            let slots_left = (SLOTS - rank) as f64;
            let tolerance = 1e-8 + 0.1 / (slots_left * slots_left);
            assert!((quantile - exact).abs() < tolerance, "{rank}: {quantile}, {exact}");
        }
    }
}
