//! What a call fails with: the node's own error, read from its
//! `google.rpc.ErrorInfo`, or that there is no node.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

#[cfg(feature = "etcd")]
use crate::membership::registry::RegistryError;
use crate::proto::Failure;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Error {
    /// The reason, for programs.
    pub reason: Reason,
    /// The message, for people.
    pub message: String,
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No node is named.
    #[error("no node is named; give at least one address, 127.0.0.1:7400 say")]
    NoNodes,
    /// An address is invalid.
    #[error("{0:?} is no address of a node; give host:port, 127.0.0.1:7400 say")]
    Address(String),
    /// The list of nodes can't be read from etcd.
    #[cfg(feature = "etcd")]
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why a call failed, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The source answered, and has no such key.
    NotFound,
    /// The key is invalid.
    InvalidKey,
    /// Another argument is invalid.
    InvalidArgument,
    /// The node has no such group.
    UnknownGroup,
    /// The group has no source, and the key was not set.
    NoRetriever,
    /// The value is larger than the group or a message can be.
    TooLarge,
    /// The source is unreachable now.
    Unavailable,
    /// The source refused.
    SourceRejected,
    /// The value of the source can't be cached.
    BadValue,
    /// Some nodes did not confirm a set, remove or clear; they may still answer
    /// with an older value.
    NotConfirmed,
    /// The timeout passed before an answer came.
    DeadlineExceeded,
    /// The node does not know the token or the certificate, or there is none.
    Unauthenticated,
    /// The token or the certificate does not have the role for this.
    PermissionDenied,
    /// The caller made more requests in a second than it may.
    RateLimited,
    /// Too many loads wait for the source of the group; a retry may help.
    Overloaded,
    /// The node is stopping, and no other one could be asked.
    Stopping,
    /// An internal error of the node.
    Internal,
    /// No node could be asked.
    Unreachable,
    /// The node is of another version, and its answer is unknown to this client.
    Unknown,
}

impl Reason {
    /// The reason with this name in `google.rpc.ErrorInfo`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "NOT_FOUND" => Self::NotFound,
            "INVALID_KEY" => Self::InvalidKey,
            "INVALID_ARGUMENT" => Self::InvalidArgument,
            "UNKNOWN_GROUP" => Self::UnknownGroup,
            "NO_RETRIEVER" => Self::NoRetriever,
            "TOO_LARGE" => Self::TooLarge,
            "UNAVAILABLE" => Self::Unavailable,
            "SOURCE_REJECTED" => Self::SourceRejected,
            "BAD_VALUE" => Self::BadValue,
            "NOT_CONFIRMED" => Self::NotConfirmed,
            "DEADLINE_EXCEEDED" => Self::DeadlineExceeded,
            "UNAUTHENTICATED" => Self::Unauthenticated,
            "PERMISSION_DENIED" => Self::PermissionDenied,
            "RATE_LIMITED" => Self::RateLimited,
            "OVERLOADED" => Self::Overloaded,
            "STOPPING" => Self::Stopping,
            "INTERNAL" => Self::Internal,
            _ => Self::Unknown,
        }
    }
}

impl Error {
    pub(super) fn unreachable(problem: String) -> Self {
        Self { reason: Reason::Unreachable, message: problem }
    }

    pub(super) fn late(after: Duration) -> Self {
        let message = format!("no answer within {} ms", after.as_millis());
        Self { reason: Reason::DeadlineExceeded, message }
    }

    /// No node has confirmed a set, and the connection to the last one broke.
    pub(super) fn not_confirmed(node: &str, problem: &str) -> Self {
        let message =
            format!("not confirmed by {node}: {problem}; an older value may be answered still");
        Self { reason: Reason::NotConfirmed, message }
    }

    pub(super) fn too_many_bytes(limit: usize) -> Self {
        let message = format!(
            "the values of all keys have more than {limit} bytes; ask for fewer keys in a call, or raise max_value_bytes"
        );
        Self { reason: Reason::TooLarge, message }
    }

    pub(super) fn is_late(&self) -> bool {
        self.reason == Reason::DeadlineExceeded
    }

    pub(super) fn argument(problem: impl Into<String>) -> Self {
        Self { reason: Reason::InvalidArgument, message: problem.into() }
    }

    pub(super) fn strange(answer: &impl std::fmt::Debug) -> Self {
        let mut answer = format!("{answer:?}");
        answer.truncate(answer.floor_char_boundary(100));
        let message = format!("the node answered something else than was asked: {answer}");
        Self { reason: Reason::Unknown, message }
    }

    /// The node's own error in the status of a call; `None`: the call did not reach
    /// a node, or its answer did not come back.
    pub(super) fn told(status: &Status) -> Option<Self> {
        let message = status.message().to_owned();
        if let Some(info) = status.get_details_error_info() {
            return Some(Self { reason: Reason::named(&info.reason), message });
        }
        // The status comes from this client, which has its own limits.
        let reason = match status.code() {
            Code::OutOfRange => Reason::TooLarge,
            Code::DeadlineExceeded => Reason::DeadlineExceeded,
            _ => return None,
        };
        Some(Self { reason, message })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { reason: Reason::named(&failure.reason), message: failure.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_node_said_is_no_answer_but_for_this_client_s_own_limits() {
        // tonic makes this of a connection that a node ends by ENHANCE_YOUR_CALM.
        assert_eq!(Error::told(&Status::resource_exhausted("h2 protocol error")), None);
        let told = |status: Status| Error::told(&status).map(|error| error.reason);
        assert_eq!(told(Status::out_of_range("a long message")), Some(Reason::TooLarge));
        assert_eq!(told(Status::unavailable("gone")), None);
    }
}
