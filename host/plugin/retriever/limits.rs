//! The limits of a connection of a retriever.

use std::time::Duration;

/// The limits of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrieverLimits {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of a value.
    pub value_bytes: u64,
    /// The time limit of instantiation and configuration.
    pub configure: Duration,
}

impl Default for RetrieverLimits {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, value_bytes: 64 << 20, configure: Duration::from_secs(2) }
    }
}
