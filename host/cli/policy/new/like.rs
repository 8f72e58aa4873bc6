//! What a new policy does until it is changed.

use clap::ValueEnum;

/// What a new policy is like.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Like {
    /// LRU: one queue in the order of use
    Lru,
    /// SIEVE: a flag an entry and a hand
    Sieve,
    /// FIFO with marks where to write: the least that is a policy
    Blank,
}
