//! What nodes ask of each other, and the two ends that it passes between.
//!
//! Groups know other nodes by [`Remote`] only, and a node answers them by
//! [`Local`] only, so that a simulated network can stand between the two.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::membership::view::{Name, View};
use crate::value::Answer;

/// One question. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The group's name. Not checked yet where it came over the wire.
    pub group: Bytes,
    /// The key, empty where the call is about the group. Not checked either.
    pub key: Bytes,
    /// What to do.
    pub call: PeerCall,
    /// The revision of the asker's view; 0: it has none.
    pub revision: i64,
}

/// What a node is asked to do. None of these makes it ask another node to get it
/// done, whoever it takes for the owner: so no request takes two hops, and nodes
/// that disagree can't wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerCall {
    /// The value from memory, or else from the source: [`Response::Value`].
    Get,
    /// The value that the callee held of a key that the registration `heir` took over:
    /// [`Response::Value`] or [`Response::NotHeld`].
    Inherit {
        /// The asker's registration where the callee stays, the callee's own where it
        /// leaves.
        name: Name,
    },
    /// Keep a value: [`Response::Done`], [`Response::NotHolder`] or
    /// [`Response::Overtaken`].
    Set {
        /// The value.
        value: Bytes,
        /// `None`: the group's default.
        ttl: Option<Duration>,
        /// The newest number of a change of the callee's that the asker has heard of.
        version: u64,
    },
    /// Drop what is held of the key, and keep nothing that was read before:
    /// [`Response::Done`] with the number of entries dropped, or
    /// [`Response::NotHolder`], and they are dropped all the same.
    Remove,
    /// The same for every key of the group: [`Response::Done`] with the callee's name.
    Clear,
    /// Several calls that are each about a key of the group: [`Response::Many`], in the
    /// same order.
    Many {
        /// Gets, sets or removes.
        parts: Vec<Part>,
        /// Bytes of values that the answer may hold.
        most_bytes: u64,
    },
    /// Keep those of these entries that the callee is the heir of:
    /// [`Response::Done`] with the number of entries kept.
    Handover {
        /// The address of the node that leaves.
        from: String,
        /// Its registration, which has ended; or the callee's, of entries of keys that it
        /// took over from that node before.
        name: Name,
        /// Its entries.
        entries: Vec<HandedOver>,
    },
    /// About no group: who answers at this address: [`Response::Identity`].
    Hello(Hello),
    /// About no group: let the asker hold what it owns: [`Response::Acked`], once the
    /// callee acts on a view that has the asker [rule 3].
    Join {
        /// The asker's address.
        from: String,
        /// Its registration.
        name: Name,
        /// Its view.
        view: View,
    },
    /// About no group: keep the asker in the ring although the registry may not:
    /// [`Response::Vouched`] or [`Response::NotHolder`] [rule 7].
    Vouch {
        /// The asker's address.
        from: String,
        /// Its registration.
        name: Name,
        /// The registry that it is in.
        cluster: u64,
    },
}

/// One call among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key, not checked yet where it came over the wire.
    pub key: Bytes,
    /// What to do: [`PeerCall::Get`], [`PeerCall::Set`] or [`PeerCall::Remove`].
    pub call: PeerCall,
}

/// What a node tells of itself when it asks who another one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its address.
    pub from: String,
    /// What its list of nodes comes to; 0: it has none.
    pub digest: u64,
}

impl PeerCall {
    /// Whether it changes what the callee holds. Once begun, a change runs to its end
    /// whether or not its asker waits for it.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Self::Set { .. } | Self::Remove | Self::Clear | Self::Handover { .. } => true,
            Self::Many { parts, .. } => parts.iter().any(|part| part.call.is_change()),
            Self::Get | Self::Inherit { .. } => false,
            Self::Hello(_) | Self::Join { .. } | Self::Vouch { .. } => false,
        }
    }

    /// Its name in traces.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Get => "Get",
            Self::Inherit { .. } => "Inherit",
            Self::Set { .. } => "Set",
            Self::Remove => "Remove",
            Self::Clear => "Clear",
            Self::Handover { .. } => "Handover",
            Self::Many { .. } => "Many",
            Self::Hello(_) => "Hello",
            Self::Join { .. } => "Join",
            Self::Vouch { .. } => "Vouch",
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

/// An answer; which one belongs to which call stands at [`PeerCall`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// There is a value.
    Value {
        /// It.
        answer: Answer,
        /// For how long the asker may answer it to others, counted from before it asked;
        /// 0: not at all [rule 10].
        lent_ms: u64,
    },
    /// Nothing is held of the key.
    NotHeld,
    /// It is done. Of a change of a key: and the callee holds the key.
    Done {
        /// Entries that were dropped or kept.
        count: u64,
        /// The callee's latest change, to be told with the next [`PeerCall::Set`].
        version: u64,
        /// The callee's registration.
        name: Name,
    },
    /// To a set: nothing was done, because the key was changed after `version` as the
    /// asker gave it. A set that was long on its way ends so; any other is to be
    /// made again with this one.
    Overtaken {
        /// The callee's latest change.
        version: u64,
    },
    /// To a change of a key: the callee does not hold it, for this reason. To
    /// [`PeerCall::Vouch`]: its view does not have the asker.
    NotHolder {
        /// Why.
        reason: String,
        /// The callee's view, if it may be news to the asker.
        view: Option<View>,
    },
    /// To each of several calls.
    Many(Vec<Result<Response, Error>>),
    /// To a joiner.
    Acked {
        /// Whether the callee has joined itself.
        joined: bool,
        /// Who it is.
        identity: Identity,
    },
    /// To a node that asks to be vouched for.
    Vouched {
        /// The callee's registration.
        name: Name,
    },
    /// Who answers.
    Identity(Identity),
}

/// Who answers at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Tells its process from every other one.
    pub process: u64,
    /// The address that it knows itself by.
    pub address: String,
    /// Its registration; 0: it has none.
    pub name: Name,
    /// What its list of nodes comes to; 0: it has none.
    pub digest: u64,
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
    fn reachability(&self) -> Reachability;

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
pub enum Reachability {
    /// It answers.
    Connected,
    /// It is being tried for the first time; requests wait for the outcome.
    Connecting,
    /// Nothing was asked of it lately, so there is no connection.
    Idle,
    /// It does not answer, for this reason; requests fail at once, and it is tried
    /// again and again.
    Unreachable(String),
}

/// This node, as others ask it.
pub trait Local: Send + Sync + 'static {
    /// Answers from what this node holds or loads itself, within `within`.
    fn answer(&self, request: Request, within: Duration) -> BoxFuture<'_, Result<Response, Error>>;
}
