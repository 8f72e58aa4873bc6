//! Who owns which part of the key space: a pure function of the nodes.
//!
//! The space of [`ring_hash`](crate::key::ring_hash) is cut into 2^17 equal slots.
//! Each slot has one fixed order of all nodes, and its owner in a set of nodes is
//! the first of them: *weighted rendezvous hashing* (Thaler and Ravishankar, "Using
//! name-based mappings to increase hit rates", 1998; with weights: Schindelhauer and
//! Schomaker, "Weighted distributed hash tables", 2005). A ring holds the owners of
//! all slots in a table, so a look-up is one load.
//!
//! # The order
//! The hash of a node's address selects a permutation of the slots. At a slot that
//! stands at `rank` in it the node has the score
//! `-ln(1 - (rank + 1/2) / 2^17) / weight`. The least score is first, and equal
//! scores are ordered by address. All of it is integer arithmetic, the logarithm
//! too, so all machines agree.
//!
//! The scores are exponential variables whose rates are the weights, so a node's
//! share of the slots is its share of the total weight. The order of two nodes at a
//! slot depends on their addresses and weights only. So a node that joins takes the
//! slots at which it is first and no others, and one that leaves gives away its own
//! and no others.
//!
//! # Making the table
//! A score for each node at each slot is 131 million scores at 1,000 nodes. Nearly
//! all of them are unnecessary, because a permutation gives a node its slots in the
//! order of their scores. Each node goes through its slots up to a limit that is the
//! same for all, and each slot keeps the least score that it has seen, as in
//! ProbMinHash (Ertl, 2020). Only for the slots that no node has reached are the
//! scores of all nodes computed. With `n` nodes this takes about
//! `2^17 * (ln n + 1)` scores. So each change makes the whole table, and there is
//! no incremental path that could give another one.
//!
//! # Why this one
//! - *A hash for each node and slot*, the usual rendezvous, needs all the scores.
//!   Without a table each look-up needs a score for each node.
//! - *A sequence of random slots* in place of a permutation hits slots repeatedly: it
//!   takes `ln 2^17 = 12` hits a slot until each has one.
//! - *Consistent hashing with virtual nodes* (Karger et al., 1997; ketama): the
//!   deviation of a share is 1/√points. A maximum of 1.10 x the mean at 64 nodes
//!   takes some 2,000 points a node, and a look-up is a search among 128,000.
//! - *Jump hash* (Lamping and Veach, 2014): only the last bucket can leave.
//! - *Bounded loads* (Mirrokni et al., 2018): the owner depends on the loads, and
//!   nodes that see different loads disagree about it.
//! - *Maglev* (Eisenbud et al., 2016) fills a table from permutations too. But there
//!   a node takes the next free slot at its turn, so a change moves slots between
//!   nodes that stay.
//!
//! # Figures
//! Sets of nodes of equal weight that differ in the IPv4 address, the port or the host
//! name, and the time of [`Ring::new`] on one core of a 2.3 GHz Xeon:
//!
//! | nodes | sets | busiest / mean: median, 99 %, worst | time |
//! |---|---|---|---|
//! | 3 | 16,000 | 1.002, 1.007, 1.010 | 1.1 ms |
//! | 16 | 4,000 | 1.013, 1.024, 1.032 | 1.5 ms |
//! | 64 | 4,000 | 1.036, 1.054, 1.066 | 2.1 ms |
//! | 1,000 | 20 | 1.190, 1.228, 1.228 | 3.3 ms |
//!
//! Times double while other processes use the machine. The slowest at any size from
//! 1 to 1,000 was 8 ms. Unequal weights take no longer: 2.3 ms for one node of weight
//! 1,000 and 999 of weight 1. The first ring of a process takes 2 ms longer, for the
//! logarithms. A look-up takes 1 ns, or 7 ns where each depends on the one before, at
//! 3 nodes as at 1,000. A table is 256 KiB.
//!
//! With 2^16 slots the times are halved, and the deviation of a share is 1.4 times
//! as large. With 2^18 the times are two to three times as long.

mod contender;
mod node;
mod permutation;
mod slots;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use contender::{Contender, index_of};
use slots::{SLOTS, slot};

pub use node::{MAX_WEIGHT, RingNode};

/// An assignment of the key space to nodes. The same nodes give the same ring,
/// in whatever order they come, on every machine and in every version.
///
/// A clone shares the table.
#[derive(Clone)]
pub struct Ring {
    /// By address.
    nodes: Arc<[RingNode]>,
    /// The same, in the same order.
    contenders: Arc<[Contender]>,
    /// Indices into `nodes`: [`SLOTS`] of them, or none without nodes.
    owners: Arc<[u16]>,
    version: u64,
}

impl Ring {
    /// The ring of `nodes`. If several have the same address, the last counts.
    ///
    /// # Panics
    /// With more than 65,535 nodes.
    #[must_use]
    pub fn new(nodes: impl IntoIterator<Item = RingNode>) -> Self {
        let nodes = normalised(nodes);
        assert!(nodes.len() <= usize::from(u16::MAX), "too many nodes");
        let contenders: Arc<[Contender]> =
            nodes.iter().zip(0..).map(|(node, index)| Contender::new(node, index)).collect();
        let total_weight = nodes.iter().map(|node| u64::from(node.weight)).sum();
        let owners = table::owners(&contenders, total_weight);
        Self { version: fingerprint(&nodes), nodes, contenders, owners }
    }

    /// The index in [`nodes`](Self::nodes) of the node that owns the keys with
    /// this [`ring_hash`](crate::key::ring_hash); `None` without nodes.
    #[must_use]
    #[inline]
    pub fn owner(&self, ring_hash: u64) -> Option<usize> {
        self.owners.get(slot(ring_hash)).map(|&owner| usize::from(owner))
    }

    /// The index of the owner among the nodes whose index `keep` accepts; `None`
    /// if it accepts none. A ring of those nodes alone has the same owner.
    ///
    /// This computes a score for each node that is kept, unless the owner among all
    /// is one of them.
    #[must_use]
    pub fn owner_among(&self, ring_hash: u64, keep: impl Fn(usize) -> bool) -> Option<usize> {
        let owner = self.owner(ring_hash)?;
        if keep(owner) {
            return Some(owner);
        }
        let slot = slot(ring_hash) as u32;
        let kept = self.contenders.iter().enumerate().filter(|(index, _)| keep(*index));
        let least = kept.map(|(_, contender)| contender.score_at(slot)).min();
        least.map(|score| usize::from(index_of(score)))
    }

    /// The nodes, by address.
    #[must_use]
    pub fn nodes(&self) -> &[RingNode] {
        &self.nodes
    }

    /// The share of the key space of each node, 0 to 1, in the order of
    /// [`nodes`](Self::nodes).
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let mut owned = vec![0_u32; self.nodes.len()];
        for &owner in &*self.owners {
            owned[usize::from(owner)] += 1;
        }
        let share = |slots| f64::from(slots) / SLOTS as f64;
        owned.into_iter().map(share).collect()
    }

    /// A number that two rings share only if they have the same nodes and
    /// weights: nodes of one cluster that show different ones disagree. Below
    /// 2^53, so that a gauge holds it exactly; 0 for no nodes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring")
            .field("nodes", &self.nodes)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Sorted, weights within bounds, one node an address.
fn normalised(nodes: impl IntoIterator<Item = RingNode>) -> Arc<[RingNode]> {
    let by_address: BTreeMap<Arc<str>, u32> =
        nodes.into_iter().map(|node| (node.address, node.weight.clamp(1, MAX_WEIGHT))).collect();
    by_address.into_iter().map(|(address, weight)| RingNode { address, weight }).collect()
}

fn fingerprint(nodes: &[RingNode]) -> u64 {
    let hash = nodes.iter().fold(0, |seed, node| {
        xxh3_64_with_seed(node.address.as_bytes(), seed ^ u64::from(node.weight))
    });
    hash >> 11
}
