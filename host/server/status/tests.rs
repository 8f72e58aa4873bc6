//! Every error as the wire tells it.

use std::time::Duration;

use super::*;
use crate::client::Reason;

/// Every error with what it must become.
#[allow(clippy::too_many_lines, reason = "a table")]
fn every_error() -> Vec<(Error, Code, &'static str)> {
    use Code::*;
    let text = || "text".to_owned();
    vec![
        (Error::NotFound, NotFound, "NOT_FOUND"),
        (Error::InvalidKey { problem: text() }, InvalidArgument, "INVALID_KEY"),
        (
            Error::InvalidArgument { argument: "ttl_ms", problem: text() },
            InvalidArgument,
            "INVALID_ARGUMENT",
        ),
        (Error::UnknownGroup { name: text(), known: text() }, FailedPrecondition, "UNKNOWN_GROUP"),
        (Error::NoRetriever { group: text() }, FailedPrecondition, "NO_RETRIEVER"),
        (Error::TooLarge { bytes: 2, limit: 1, what: "" }, ResourceExhausted, "TOO_LARGE"),
        (Error::Unavailable { who: text(), reason: text() }, Unavailable, "UNAVAILABLE"),
        (Error::SourceRejected { reason: text() }, PermissionDenied, "SOURCE_REJECTED"),
        (Error::BadValue { reason: text() }, FailedPrecondition, "BAD_VALUE"),
        (Error::NotConfirmed { nodes: vec![text()], reason: text() }, Unavailable, "NOT_CONFIRMED"),
        (
            Error::DeadlineExceeded { after: Duration::from_secs(1) },
            DeadlineExceeded,
            "DEADLINE_EXCEEDED",
        ),
        (Error::PermissionDenied { problem: text() }, PermissionDenied, "PERMISSION_DENIED"),
        (Error::Unauthenticated { problem: text() }, Unauthenticated, "UNAUTHENTICATED"),
        (limited(), ResourceExhausted, "RATE_LIMITED"),
        (Error::Stopping, Unavailable, "STOPPING"),
        (Error::Internal(text()), Internal, "INTERNAL"),
    ]
}

fn limited() -> Error {
    let retry_after = Duration::from_millis(250);
    Error::RateLimited { caller: "web".into(), per_second: 4, retry_after }
}

#[test]
fn a_caller_above_its_rate_is_told_when_to_try_again() {
    let details = status(&limited(), b"scores").get_error_details();
    let retry = details.retry_info().unwrap();
    assert_eq!(retry.retry_delay, Some(Duration::from_millis(250)));
}

#[test]
fn each_error_has_its_code_reason_and_group() {
    for (error, code, reason) in every_error() {
        let status = status(&error, b"scores");
        assert_eq!(status.code(), code, "{error:?}");
        assert_eq!(status.message(), error.to_string());
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "psycache"));
        assert_eq!(info.metadata["group"], "scores");
        let failure = failure(&error);
        assert_eq!((failure.code, failure.reason.as_str()), (code as u32, reason));
        assert_eq!(failure.message, error.to_string());
        assert_ne!(Reason::named(reason), Reason::Unknown, "the client knows {reason}");
    }
}

#[test]
fn what_a_program_could_act_on_stands_in_the_metadata() {
    let fact = |error: &Error, name: &str| {
        let status = status(error, b"scores");
        status.get_error_details().error_info().unwrap().metadata[name].clone()
    };
    let error = Error::TooLarge { bytes: 2, limit: 1, what: "" };
    assert_eq!((fact(&error, "bytes"), fact(&error, "limit")), ("2".into(), "1".into()));
    let error = Error::InvalidArgument { argument: "ttl_ms", problem: String::new() };
    assert_eq!(fact(&error, "argument"), "ttl_ms");
    let error =
        Error::NotConfirmed { nodes: vec!["a:1".into(), "b:2".into()], reason: "why".into() };
    assert_eq!(fact(&error, "nodes"), "a:1,b:2");
}

#[test]
fn a_message_too_long_for_a_header_is_cut_between_characters() {
    let status = status(&Error::Internal("ä".repeat(10_000)), &[b'g'; 10_000]);
    assert!(status.message().len() <= LONGEST_MESSAGE + "…".len());
    assert!(status.message().ends_with("ä…"));
    let details = status.get_error_details();
    assert!(!details.error_info().unwrap().metadata.contains_key("group"));
}
