//! What nodes ask of each other, and the two ends that it passes between.
//!
//! Groups know other nodes by [`Remote`] only, and a node answers them by
//! [`Local`] only, so that a simulated network can stand between the two.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::value::Answer;

/// One question. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The group's name. Not checked yet where it came over the wire.
    pub group: Bytes,
    /// The key, empty where the call is about the group. Not checked either.
    pub key: Bytes,
    /// What to do.
    pub call: Call,
    /// The asker's ring, see [`Ring::version`](crate::membership::rendezvous::Ring::version).
    pub ring_version: u64,
}

/// What a node is asked to do. None of these makes it ask another node to get it
/// done, whoever it takes for the owner: so no request takes two hops, and nodes
/// that disagree can't wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The value from memory, or else from the source: [`Response::Value`].
    Get,
    /// The value from memory only: [`Response::Value`] or [`Response::NotHeld`].
    Lookup,
    /// Keep a value: [`Response::Done`], or [`Response::Overtaken`].
    Set {
        /// The value.
        value: Bytes,
        /// `None`: the group's default.
        ttl: Option<Duration>,
        /// What the asker knows of the callee's changes, see
        /// [`Response::Overtaken`].
        seen: u64,
    },
    /// Drop what is held of the key, and keep nothing that was read before:
    /// [`Response::Done`] with the number of entries dropped.
    Remove,
    /// The same for every key of the group.
    Clear,
    /// Keep what is new among these entries of a node that leaves:
    /// [`Response::Done`] with the number of entries kept.
    Handoff(Vec<HandedOver>),
    /// Remember that another node has missed a change of the key, or of the whole
    /// group if it is empty, and tell it later: [`Response::Done`]. The callee has
    /// confirmed that change.
    Missed {
        /// Its address.
        node: String,
    },
    /// About no group: tell the asker of changes from now on for
    /// [`PROMISE`](crate::cluster::PROMISE): [`Response::Greeted`].
    Greet {
        /// Its address.
        from: String,
        /// It holds nothing any more, and need not be told.
        leaving: bool,
        /// Tells its process from the one before it at the same address.
        process: u64,
    },
}

impl Call {
    /// Whether it goes out even to a node that seems to be out of reach, because what
    /// may be answered depends on it.
    #[must_use]
    pub fn must_arrive(&self) -> bool {
        match self {
            Self::Set { .. } | Self::Remove | Self::Clear => true,
            Self::Missed { .. } | Self::Greet { .. } => true,
            Self::Get | Self::Lookup | Self::Handoff(_) => false,
        }
    }

    /// Its name in traces.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Get => "Get",
            Self::Lookup => "Lookup",
            Self::Set { .. } => "Set",
            Self::Remove => "Remove",
            Self::Clear => "Clear",
            Self::Handoff(_) => "Handoff",
            Self::Missed { .. } => "Missed",
            Self::Greet { .. } => "Greet",
        }
    }
}

/// An entry that changes its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// How long it may be kept still; `None`: no limit.
    pub ttl: Option<Duration>,
}

/// An answer; which one belongs to which call stands at [`Call`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// There is a value.
    Value(Answer),
    /// Nothing is held of the key.
    NotHeld,
    /// It is done.
    Done {
        /// Entries that were dropped or kept.
        count: u64,
        /// The callee's ring.
        ring_version: u64,
        /// The callee's latest change, to be told with the next [`Call::Set`].
        seen: u64,
        /// Whom the asker may not know, and must tell of a change as well.
        also: Vec<String>,
        /// Tells the callee's process from the one before it at the same address.
        process: u64,
    },
    /// To a greeting.
    Greeted {
        /// Whether the asker stands in the callee's ring, or the callee waits for its
        /// first list and owes the asker what it changes.
        in_ring: bool,
        /// As in [`Response::Done`].
        process: u64,
    },
    /// To a set: nothing was done, because the key was changed after `seen` as the
    /// asker gave it. A set that was long on its way ends so; any other is to be
    /// made again with this one.
    Overtaken {
        /// The callee's latest change.
        seen: u64,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The node answered, with an error. It speaks for the key: not found is not
    /// found.
    #[error(transparent)]
    Answered(Error),
    /// The node did not answer. It may have done what it was asked all the same.
    #[error("not reached: {0}")]
    Unreachable(String),
}

impl RemoteError {
    /// Whether the node has no such group, and so holds nothing of it.
    #[must_use]
    pub fn is_of_unknown_group(&self) -> bool {
        matches!(self, Self::Answered(Error::UnknownGroup { .. }))
    }
}

/// Another node, as this one asks it.
pub trait Remote: Send + Sync {
    /// The address that it is known by.
    fn address(&self) -> &str;

    /// Whether it answers, for status.
    fn link(&self) -> Link;

    /// How many requests to it ended in which way, for the metrics.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Asks it, and waits at most `within`. Dropping the future tells the node
    /// that nobody waits any more.
    ///
    /// # Errors
    /// [`RemoteError`].
    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>>;
}

/// How it stands with another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It answers.
    Connected,
    /// It is being tried for the first time; requests wait for the outcome.
    Connecting,
    /// It does not answer, for this reason; requests fail at once, and it is tried
    /// again and again.
    Unreachable(String),
}

/// This node, as others ask it.
pub trait Local: Send + Sync + 'static {
    /// Answers from what this node holds or loads itself, within `within`.
    fn answer(&self, request: Request, within: Duration) -> BoxFuture<'_, Result<Response, Error>>;
}
