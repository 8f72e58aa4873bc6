//! Maps errors to statuses of gRPC and HTTP, and to errors of Redis: the only place where an [`Error`] gets a
//! code.

use std::collections::HashMap;

use tonic::codegen::http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::error::Error;
use crate::proto;

const DOMAIN: &str = "psycache";

/// Most bytes of a message; a longer one is cut. The HTTP headers of a response contain the
/// message twice, and clients refuse headers beyond a few KiB.
const LONGEST_MESSAGE: usize = 1024;

/// The code of an error, and its reason, which is an identifier for programs.
fn classify(error: &Error) -> (Code, &'static str) {
    match error {
        Error::NotFound => (Code::NotFound, "NOT_FOUND"),
        Error::InvalidKey { .. } => (Code::InvalidArgument, "INVALID_KEY"),
        Error::InvalidArgument { .. } => (Code::InvalidArgument, "INVALID_ARGUMENT"),
        Error::UnknownGroup { .. } => (Code::FailedPrecondition, "UNKNOWN_GROUP"),
        Error::NoRetriever { .. } => (Code::FailedPrecondition, "NO_RETRIEVER"),
        Error::TooLarge { .. } => (Code::ResourceExhausted, "TOO_LARGE"),
        Error::Unavailable { .. } => (Code::Unavailable, "UNAVAILABLE"),
        Error::Overloaded { .. } => (Code::ResourceExhausted, "OVERLOADED"),
        Error::SourceRejected { .. } => (Code::PermissionDenied, "SOURCE_REJECTED"),
        Error::BadValue { .. } => (Code::FailedPrecondition, "BAD_VALUE"),
        Error::NotConfirmed { .. } => (Code::Unavailable, "NOT_CONFIRMED"),
        Error::DeadlineExceeded { .. } => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        Error::PermissionDenied { .. } => (Code::PermissionDenied, "PERMISSION_DENIED"),
        Error::Unauthenticated { .. } => (Code::Unauthenticated, "UNAUTHENTICATED"),
        Error::RateLimited { .. } => (Code::ResourceExhausted, "RATE_LIMITED"),
        Error::Stopping => (Code::Unavailable, "STOPPING"),
        Error::Internal(_) => (Code::Internal, "INTERNAL"),
    }
}

/// The status of a call on `group` that failed with `error`. It contains a
/// google.rpc.ErrorInfo with the reason, the group and details for programs, and a
/// google.rpc.RetryInfo if it is known when a retry helps.
pub(super) fn status(error: &Error, group: &[u8]) -> Status {
    let (code, reason) = classify(error);
    let mut metadata = facts(error);
    if let Ok(group) = str::from_utf8(group)
        && !group.is_empty()
        && group.len() <= LONGEST_MESSAGE
    {
        metadata.insert("group".into(), group.into());
    }
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    if let Error::RateLimited { retry_after, .. } = error {
        details.set_retry_info(Some(*retry_after));
    }
    Status::with_error_details(code, message(error), details)
}

/// The error of one key of a call for many, or of a call on a session.
pub(super) fn failure(error: &Error) -> proto::Failure {
    let (code, reason) = classify(error);
    proto::Failure { code: code as u32, message: message(error), reason: reason.into() }
}

/// The error of a command of a Redis client: prefix and message.
pub(super) fn in_redis(error: &Error) -> String {
    let prefix = match error {
        Error::NotFound
        | Error::InvalidKey { .. }
        | Error::InvalidArgument { .. }
        | Error::UnknownGroup { .. }
        | Error::NoRetriever { .. }
        | Error::BadValue { .. }
        | Error::Internal(_) => "ERR",
        Error::TooLarge { .. } => "OOM",
        Error::Unavailable { .. }
        | Error::Overloaded { .. }
        | Error::NotConfirmed { .. }
        | Error::RateLimited { .. } => "BUSY",
        Error::SourceRejected { .. } => "DENIED",
        Error::PermissionDenied { .. } => "NOPERM",
        Error::Unauthenticated { .. } => "NOAUTH",
        Error::DeadlineExceeded { .. } => "TIMEOUT",
        Error::Stopping => "LOADING",
    };
    format!("{prefix} {}", message(error))
}

/// The status of a page that is refused with this error.
pub(super) fn in_http(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
        Error::PermissionDenied { .. } => StatusCode::FORBIDDEN,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// How a call ended, for its span.
pub(super) fn outcome<T>(answer: &Result<T, Error>) -> (Code, String) {
    match answer {
        Ok(_) => (Code::Ok, String::new()),
        Err(error) => (classify(error).0, message(error)),
    }
}

fn facts(error: &Error) -> HashMap<String, String> {
    let facts = match error {
        Error::TooLarge { bytes, limit, .. } => {
            vec![("bytes", bytes.to_string()), ("limit", limit.to_string())]
        }
        Error::InvalidArgument { argument, .. } => vec![("argument", (*argument).to_owned())],
        Error::NotConfirmed { nodes, .. } => vec![("nodes", cut(nodes.join(",")))],
        _ => Vec::new(),
    };
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn message(error: &Error) -> String {
    cut(error.to_string())
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST_MESSAGE {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
