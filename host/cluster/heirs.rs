//! Who owns the keys of a node that leaves.

use std::sync::Arc;

use super::owners::Cluster;
use super::snapshot::Nodes;
use crate::transport::remote::Remote;

/// The other nodes, as they share the keys when this one has left.
pub struct Heirs(Arc<Nodes>);

impl Cluster {
    /// The other nodes without this one; `None` if there are none.
    #[must_use]
    pub fn heirs(&self) -> Option<Heirs> {
        self.without_this_node().map(Heirs)
    }
}

impl Heirs {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.remotes.len()
    }

    /// The number, below [`count`](Self::count), of the node that owns the keys with
    /// this [`ring_hash`](crate::key::ring_hash).
    #[must_use]
    pub fn owner(&self, ring_hash: u64) -> Option<usize> {
        self.0.ring.owner(ring_hash)
    }

    /// The node with this number.
    #[must_use]
    pub fn node(&self, number: usize) -> Option<&Arc<dyn Remote>> {
        self.0.remotes.get(number)?.as_ref()
    }
}
