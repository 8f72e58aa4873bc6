//! An answer to a get, and where it came from.

mod shared;

use std::time::Duration;

pub use shared::Value;
pub(crate) use shared::{Block, block};

/// A value as a caller gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The value: a slice to read, `Bytes::from` to pass on. Cloning shares the bytes.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
    /// How long it may be kept still; `None`: no limit.
    pub ttl: Option<Duration>,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This node's memory.
    Hit,
    /// The data source, asked by this node.
    Loaded,
    /// The node that owns the key.
    Peer,
    /// A short-lived copy of a key that its owner calls hot.
    Hot,
    /// Expired, and answered while a fresh one is loaded.
    Stale,
}
