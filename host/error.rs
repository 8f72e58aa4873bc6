//! Everything a request can fail with. `server::status` maps each case to one
//! gRPC code; nothing else does.

use std::time::Duration;

/// Why a request was not answered with a value. Cheap to clone: one failed load
/// answers every caller that waited for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The source answered, and has no such key.
    #[error("no such key")]
    NotFound,
    /// The key can't be one.
    #[error("bad key: {problem}")]
    InvalidKey {
        /// What is wrong with it, and what a key must be.
        problem: String,
    },
    /// Another argument of the request can't be used.
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
    /// Larger than a group can ever hold, or than a message may be.
    #[error("{bytes} bytes are more than the limit of {limit}: {what}")]
    TooLarge {
        /// Size of the entry.
        bytes: u64,
        /// What would have been accepted.
        limit: u64,
        /// Whose limit it is, and how to raise it.
        what: &'static str,
    },
    /// The source or the owner can't be reached now; a retry may help.
    #[error("{who} is unavailable: {reason}")]
    Unavailable {
        /// The source, or the node.
        who: String,
        /// What happened.
        reason: String,
    },
    /// The source refused; an operator must mend something first.
    #[error("the source refused: {reason}")]
    SourceRejected {
        /// In the source's words.
        reason: String,
    },
    /// The source has the key, but what it holds can't be cached.
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
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// A fault of our own.
    #[error("internal error: {0}")]
    Internal(String),
}
