//! The calls between nodes, and the traits of their two ends.
//!
//! Groups reach other nodes only through [`Remote`], and a node answers only through
//! [`Local`], so that a simulated network can connect the two.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::Error;
use crate::membership::view::{Name, View};
use crate::value::{Answer, Ttl};

/// One request. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The group's name. Unchecked if it came over the wire.
    pub group: Bytes,
    /// The key; empty if the call is about no single key. Unchecked if it came over the
    /// wire.
    pub key: Bytes,
    /// What to do.
    pub call: PeerCall,
    /// The id of the caller's cluster. A callee of another cluster, which may have taken
    /// over the address of a node that crashed, answers [`Response::NotHolder`].
    pub cluster: u64,
    /// The revision of the caller's view; 0: it has none.
    pub revision: i64,
}

/// What a node is asked to do. It never forwards a call, even if it considers another
/// node the owner. So no request takes two hops, and nodes that disagree about the owner
/// can't wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerCall {
    /// The value from memory, or else from the source: [`Response::Value`].
    Get,
    /// The callee's former value of a key that the caller took over: [`Response::Value`]
    /// or [`Response::NotHeld`].
    Inherit {
        /// The caller's registration if the callee stays; the callee's own if it is
        /// leaving.
        name: Name,
    },
    /// Keep a value: [`Response::Done`], [`Response::NotHolder`] or
    /// [`Response::Overtaken`].
    Set {
        /// The value.
        value: Bytes,
        /// How long it is kept.
        ttl: Ttl,
        /// The newest change number of the callee that the caller knows.
        version: u64,
    },
    /// Drop the value of the key, and keep no value that was read before:
    /// [`Response::Done`] with the number of entries dropped, or [`Response::NotHolder`].
    /// The value is dropped in both cases.
    Remove,
    /// The same for every key of the group: [`Response::Done`] with the callee's name.
    Clear,
    /// Several calls, each about one key of the group: [`Response::Many`], in the same
    /// order.
    Many {
        /// Gets, sets or removes.
        parts: Vec<Part>,
        /// The most bytes of values in the answer.
        most_bytes: u64,
    },
    /// Keep those of these entries that the callee may take over: [`Response::Done`] with
    /// the number of entries kept.
    Handover {
        /// The address of the node that leaves.
        from: String,
        /// Its registration, which has ended; or the callee's, for entries of keys that
        /// the callee took over from that node earlier.
        name: Name,
        /// Its entries.
        entries: Vec<HandedOver>,
    },
    /// About no group. Identify the process at this address: [`Response::Identity`].
    Hello(Hello),
    /// About no group. Let the caller hold its keys: [`Response::Acked`], once the callee
    /// uses a view that contains the caller (rule 3).
    Join {
        /// The caller's address.
        from: String,
        /// Its registration.
        name: Name,
        /// Its view.
        view: View,
    },
    /// About no group. Keep the caller in the ring even if the registry removes it:
    /// [`Response::Vouched`] or [`Response::NotHolder`] (rule 7).
    Vouch {
        /// The caller's address.
        from: String,
        /// Its registration.
        name: Name,
        /// The id of its registry.
        cluster: u64,
    },
}

/// One call among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key. Unchecked if it came over the wire.
    pub key: Bytes,
    /// What to do: [`PeerCall::Get`], [`PeerCall::Set`] or [`PeerCall::Remove`].
    pub call: PeerCall,
}

/// What a node says about itself when it asks for another node's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its address.
    pub from: String,
    /// The digest of its static list of nodes; 0: it has none.
    pub digest: u64,
}

impl PeerCall {
    /// Whether it changes what the callee holds. Once begun, a change runs to its end,
    /// even if its caller stops waiting.
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
    /// Its remaining time to live; `None`: no limit.
    pub ttl: Option<Duration>,
}

/// An answer. [`PeerCall`] says which answers each call has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// There is a value.
    Value {
        /// The value.
        answer: Answer,
        /// For how long the caller may return the value to later gets, counted from
        /// before it asked; 0: not at all (rule 10).
        lent_ms: u64,
    },
    /// Nothing is held of the key.
    NotHeld,
    /// The call is done. After a change of a key this also says that the callee holds the
    /// key.
    Done {
        /// Entries that were dropped or kept.
        count: u64,
        /// The number of the callee's latest change, to be sent with the next
        /// [`PeerCall::Set`].
        version: u64,
        /// The callee's registration.
        name: Name,
    },
    /// To a set: it was rejected, because the key may have changed after the `version`
    /// that the caller sent. If the set is still wanted, retry it with this version.
    Overtaken {
        /// The number of the callee's latest change.
        version: u64,
    },
    /// To a change of a key: the callee does not hold the key. To [`PeerCall::Vouch`]:
    /// its view does not contain the caller. To any call about a group: the callee is of
    /// another cluster.
    NotHolder {
        /// Why.
        reason: String,
        /// The callee's view, if it may be newer than the caller's.
        view: Option<View>,
    },
    /// The answers to several calls, in their order.
    Many(Vec<Result<Response, Error>>),
    /// To a joiner.
    Acked {
        /// Whether the callee has joined itself.
        joined: bool,
        /// Its identity.
        identity: Identity,
    },
    /// To a node that asks to be vouched for.
    Vouched {
        /// The callee's registration.
        name: Name,
    },
    /// The identity of the callee.
    Identity(Identity),
}

/// The process that answers at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// A number that identifies the process.
    pub process: u64,
    /// The address that it advertises.
    pub address: String,
    /// Its registration; 0: it has none.
    pub name: Name,
    /// The digest of its static list of nodes; 0: it has none.
    pub digest: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The node answered with an error, for example that the source has no such key.
    #[error(transparent)]
    Answered(Error),
    /// The node did not answer. It may have executed the request all the same.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// The node shows signs of life and has not answered in time, as one whose source is slow.
    #[error("not answered in time")]
    Late,
}

impl RemoteError {
    /// Whether the node has no such group, and so holds nothing of it.
    #[must_use]
    pub fn is_of_unknown_group(&self) -> bool {
        matches!(self, Self::Answered(Error::UnknownGroup { .. }))
    }
}

/// Another node, to which this one sends requests.
pub trait Remote: Send + Sync {
    /// The address that it is known by.
    fn address(&self) -> &str;

    /// Whether it answers, for status.
    fn reachability(&self) -> Reachability;

    /// Requests to it, counted by outcome, for the metrics.
    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Sends a request, and waits at most `within` for the answer. May give up earlier if
    /// the node shows no sign of life. Dropping the future cancels the request at the
    /// node, unless it [is a change](PeerCall::is_change).
    ///
    /// # Errors
    /// [`RemoteError`].
    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>>;
}

/// Whether another node can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// It answers.
    Connected,
    /// The first attempt to connect is running; requests wait for its outcome.
    Connecting,
    /// There were no recent requests, so there is no connection.
    Idle,
    /// It does not answer, for this reason. Requests fail at once, and connecting is
    /// retried.
    Unreachable(String),
}

/// This node, to which others send requests.
pub trait Local: Send + Sync + 'static {
    /// Answers from what this node holds or loads itself, within `within`.
    fn answer(&self, request: Request, within: Duration) -> BoxFuture<'_, Result<Response, Error>>;

    /// Answers a request that needs nothing but this node's memory. `None`, and nothing counted:
    /// it may need more, so it is for [`answer`](Self::answer).
    fn answer_from_memory(&self, _request: &Request) -> Option<Result<Response, Error>> {
        None
    }
}
