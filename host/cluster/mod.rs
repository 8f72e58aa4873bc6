//! Who owns a key: the ring, the other nodes, and the registry they are found in.

pub mod registry;
pub mod ring;

use std::sync::Arc;

/// The nodes that share the keys, as this node sees them now.
#[derive(Debug, Default)]
pub struct Cluster {}

/// Who answers for a key.
#[derive(Clone)]
pub enum Owner {
    /// This node.
    Local,
    /// Another one.
    Remote(Arc<dyn Remote>),
}

/// Another node.
pub trait Remote: Send + Sync {
    /// The address it is known by.
    fn address(&self) -> &str;
}

impl Cluster {
    /// A cluster of this node only.
    #[must_use]
    pub fn alone() -> Self {
        Self::default()
    }

    /// Who owns the key with this [`ring_hash`](crate::key::ring_hash).
    #[must_use]
    pub fn owner(&self, _ring_hash: u64) -> Owner {
        Owner::Local
    }
}
