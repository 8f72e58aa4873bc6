//! The errors of a request. Only `server::status` maps them to gRPC codes, one for each
//! case.

use std::time::Duration;

/// Why a request has no value as its answer. Cheap to clone, because one failed load
/// answers every caller that waited for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source answered, and has no such key.
    #[error("no such key")]
    NotFound,
    /// The key is invalid.
    #[error("bad key: {problem}")]
    InvalidKey {
        /// What is wrong with the key, and what a key must be.
        problem: String,
    },
    /// Another argument of the request is invalid.
    #[error("bad {argument}: {problem}")]
    InvalidArgument {
        /// Its name on the wire.
        argument: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// This node has no such group.
    #[error("no group {name:?} on this node; it has {known}")]
    UnknownGroup {
        /// The name that was asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },
    /// A miss in a group that has no source to load from.
    #[error("group {group:?} has no retriever, so only values that were set can be read")]
    NoRetriever {
        /// The group.
        group: String,
    },
    /// The entry is larger than the group's capacity, or than a message may be.
    #[error("{bytes} bytes are more than the limit of {limit}: {what}")]
    TooLarge {
        /// Size of the entry.
        bytes: u64,
        /// The largest size that is accepted.
        limit: u64,
        /// Which limit it is, and how to raise it.
        what: &'static str,
    },
    /// The source or the owner is unreachable now; a retry may help.
    #[error("{who} is unavailable: {reason}")]
    Unavailable {
        /// The source, or the node.
        who: String,
        /// What happened.
        reason: String,
    },
    /// So many loads wait for the source that this one was not begun.
    #[error(
        "the queue of group {group:?} is full, as {waiting} loads wait for its source; try again later, or raise `pool.queue`"
    )]
    Overloaded {
        /// The group.
        group: String,
        /// How many loads may wait.
        waiting: u32,
    },
    /// The source refused; an operator must fix something first.
    #[error("the source refused: {reason}")]
    SourceRejected {
        /// The error message of the source.
        reason: String,
    },
    /// The source has the key, but its value can't be cached.
    #[error("the source's value can't be cached: {reason}")]
    BadValue {
        /// What is wrong with it.
        reason: String,
    },
    /// A change that was not confirmed in time.
    #[error("not confirmed by {}: {reason}; an older value may be answered still", nodes.join(", "))]
    NotConfirmed {
        /// Addresses of the nodes that did not confirm it.
        nodes: Vec<String>,
        /// Why the first of them did not.
        reason: String,
    },
    /// Not answered in time.
    #[error("not answered within {} ms", after.as_millis())]
    DeadlineExceeded {
        /// The time that was allowed.
        after: Duration,
    },
    /// The caller may not do this.
    #[error("{problem}")]
    PermissionDenied {
        /// What was missing.
        problem: String,
    },
    /// The caller is not known.
    #[error("{problem}")]
    Unauthenticated {
        /// What was missing.
        problem: String,
    },
    /// The caller makes more requests than it may.
    #[error("{caller} may make {per_second} requests a second; try again in {} ms", retry_after.as_millis() + 1)]
    RateLimited {
        /// Its name.
        caller: String,
        /// The limit.
        per_second: u32,
        /// When the next request may be made.
        retry_after: Duration,
    },
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// An internal error of this node.
    #[error("internal error: {0}")]
    Internal(String),
}
