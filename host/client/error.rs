//! What a call fails with: the node's own error, read from its
//! `google.rpc.ErrorInfo`, or that there is no node.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::membership::registry::RegistryError;
use crate::proto::Failure;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The part that a program acts on.
    pub reason: Reason,
    /// The part that people read.
    pub message: String,
}

/// Why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No node is named.
    #[error("no node is named; give at least one address, 127.0.0.1:7400 say")]
    NoNodes,
    /// An address can't be one.
    #[error("{0:?} is no address of a node; give host:port, 127.0.0.1:7400 say")]
    Address(String),
    /// The nodes can't be learnt from etcd.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why a call failed, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The source answered, and has no such key.
    NotFound,
    /// The key can't be one.
    InvalidKey,
    /// Another argument can't be used.
    InvalidArgument,
    /// The node has no such group.
    UnknownGroup,
    /// The group has no source, and the key was not set.
    NoRetriever,
    /// The value is larger than the group or a message can be.
    TooLarge,
    /// The source can't be reached now.
    Unavailable,
    /// The source refused.
    SourceRejected,
    /// What the source holds can't be cached.
    BadValue,
    /// Some nodes did not confirm a set, remove or clear; they may still answer
    /// with an older value.
    NotConfirmed,
    /// There was no answer in time.
    DeadlineExceeded,
    /// The node is stopping, and no other one could be asked.
    Stopping,
    /// A fault of the node's own.
    Internal,
    /// No node could be asked.
    Unreachable,
    /// The node is of another version, and says what this one does not know.
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

    pub(super) fn argument(problem: &str) -> Self {
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
        // Said at this end, by its own limits.
        let reason = match status.code() {
            Code::OutOfRange | Code::ResourceExhausted => Reason::TooLarge,
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
