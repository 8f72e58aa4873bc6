//! How long a value that is set is kept.

use std::time::Duration;

/// How long a value that is set is kept. A `Duration` is that time, and a `None` of
/// `Option<Duration>` is the default of the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ttl {
    /// The group's own time to live.
    #[default]
    OfGroup,
    /// Until it is evicted, removed or replaced.
    NoLimit,
    /// This long, at most.
    For(Duration),
}

impl From<Duration> for Ttl {
    fn from(ttl: Duration) -> Self {
        Self::For(ttl)
    }
}

impl From<Option<Duration>> for Ttl {
    fn from(ttl: Option<Duration>) -> Self {
        ttl.map_or(Self::OfGroup, Self::For)
    }
}
