//! A node as a ring sees it.

use std::sync::Arc;

/// The largest weight. A larger one counts as this.
pub const MAX_WEIGHT: u32 = 1_000;

/// A node as the ring sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingNode {
    /// The address that it advertises: its identity.
    pub address: Arc<str>,
    /// Its share relative to the others, 1 to [`MAX_WEIGHT`]. A value outside
    /// counts as the nearest of these.
    pub weight: u32,
}
