//! Values: an answer to a get, where it came from, and how long a value is kept.

mod shared;
mod ttl;

use std::time::Duration;

pub use shared::Value;
pub(crate) use shared::{Block, block};
pub use ttl::Ttl;

/// A value as returned to a caller, of a node or of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<V = Value> {
    /// The value: a slice to read, `Bytes::from` to pass on; a client's are `Bytes`. Cloning
    /// shares the bytes.
    pub value: V,
    /// Where it came from.
    pub origin: Origin,
    /// The remaining time to live; `None`: no limit.
    pub ttl: Option<Duration>,
}

impl<V> Answer<V> {
    /// An answer of these parts.
    #[must_use]
    pub fn new(value: V, origin: Origin, ttl: Option<Duration>) -> Self {
        Self { value, origin, ttl }
    }
}

/// The origin of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// This node's memory.
    Hit,
    /// The data source, asked by this node.
    Loaded,
    /// The node that owns the key.
    Peer,
    /// A short-lived copy of a hot key, which the owner lent to this node.
    Hot,
    /// The owner's memory, expired: the source can't be reached, and the group returns such
    /// values for a while (`stale-if-error`).
    Stale,
}
