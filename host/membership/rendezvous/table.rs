//! The table of owners: the contender with the least score at each slot.

use std::sync::Arc;

use super::contender::{Contender, QUANTILE_BITS, QUANTILES, RECIPROCAL_BITS, index_of};
use super::slots::SLOTS;

/// Marks a slot without a score: no score is as high.
const OPEN: u64 = u64::MAX;

/// The index of the first contender at each slot; empty without contenders.
///
/// 1. Each contender goes through its slots in the order of its scores, up to a
///    limit that is the same for all, and leaves its score where it is the least.
///    A slot with a score is decided then: all scores up to the limit were seen.
/// 2. The slots that nobody reached are decided by the scores of all contenders.
pub(super) fn owners(contenders: &[Contender], total_weight: u64) -> Arc<[u16]> {
    if contenders.len() <= 1 {
        return std::iter::repeat_n(0, SLOTS * contenders.len()).collect();
    }
    let limit = limit(contenders.len(), total_weight);
    let quantiles: &[u32] = &QUANTILES;
    let mut least = vec![OPEN; SLOTS];
    for contender in contenders {
        for (rank, &quantile) in (0..).zip(quantiles) {
            let score = contender.score(quantile);
            if score > limit {
                break;
            }
            let slot = &mut least[contender.permutation.slot_at(rank) as usize];
            *slot = score.min(*slot);
        }
    }
    let decided = (0..).zip(least).map(|(slot, score)| match score {
        OPEN => contenders.iter().map(|contender| contender.score_at(slot)).min().unwrap_or(OPEN),
        _ => score,
    });
    decided.map(index_of).collect()
}

/// Up to which score the contenders go through their slots. The table does not
/// depend on it, only the time.
///
/// The part `exp(-limit * total weight)` of the slots stays open. With the
/// logarithm of the number of contenders for the exponent, the second step
/// computes about as many scores as there are slots.
fn limit(contenders: usize, total_weight: u64) -> u64 {
    const LN_2: u64 = (std::f64::consts::LN_2 * (1_u64 << QUANTILE_BITS) as f64) as u64;
    let logarithm = u64::from(contenders.ilog2() + 1) * LN_2;
    (logarithm << RECIPROCAL_BITS) / total_weight
}
