//! The ring as requests read it: immutable, and replaced as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::knowledge::Knowledge;
use crate::membership::rendezvous::Ring;
use crate::membership::view::{Name, View};
use crate::transport::remote::Remote;

/// The ring, and what else requests read.
pub(super) struct Snapshot {
    pub(super) ring: Ring,
    /// In the ring's order; `None` is this node.
    pub(super) remotes: Vec<Option<Arc<dyn Remote>>>,
    /// Whether this node has joined, and is not leaving.
    pub(super) reigns: bool,
    /// The id of the cluster; 0: the node is in none.
    pub(super) cluster: u64,
    /// This node's registration; 0: it has none.
    pub(super) name: Name,
    /// The revision of the view that it was made from.
    pub(super) revision: i64,
}

impl Snapshot {
    /// What requests read in this state, with these nodes in the order of `ring`.
    pub(super) fn of(state: &Knowledge, ring: Ring, remotes: Vec<Option<Arc<dyn Remote>>>) -> Self {
        let View { cluster, revision, .. } = state.view;
        Self { ring, remotes, reigns: state.reigns(), cluster, name: state.name(), revision }
    }

    /// The same nodes in another state.
    pub(super) fn at(&self, state: &Knowledge) -> Self {
        Self::of(state, self.ring.clone(), self.remotes.clone())
    }

    /// Whether `state` is another one, the nodes and the reign apart.
    pub(super) fn differs(&self, state: &Knowledge) -> bool {
        let View { cluster, revision, .. } = state.view;
        (self.cluster, self.name, self.revision) != (cluster, state.name(), revision)
    }

    pub(super) fn owns(&self, ring_hash: u64) -> bool {
        let owner = self.ring.owner(ring_hash);
        self.reigns && owner.is_some_and(|index| self.remotes[index].is_none())
    }

    /// The other node at `address`, if it is in the ring.
    pub(super) fn remote(&self, address: &str) -> Option<Arc<dyn Remote>> {
        self.remotes.iter().flatten().find(|remote| remote.address() == address).cloned()
    }

    /// Whether the ring consists of these nodes.
    pub(super) fn has(&self, nodes: &BTreeMap<Arc<str>, u32>) -> bool {
        let known = self.ring.nodes();
        known.len() == nodes.len()
            && known
                .iter()
                .zip(nodes)
                .all(|(node, (address, weight))| node.address == *address && node.weight == *weight)
    }
}
