//! The host's errors on the wire between nodes, without loss.

use std::time::Duration;

use crate::error::Error;
use crate::proto::PeerFailure;
use crate::proto::peer_failure::Kind;

pub(super) fn encode(error: Error) -> PeerFailure {
    let failure = |kind: Kind, subject: String, reason: String| PeerFailure {
        kind: kind.into(),
        subject,
        reason,
        ..PeerFailure::default()
    };
    let none = String::new;
    match error {
        Error::NotFound => failure(Kind::NotFound, none(), none()),
        Error::InvalidKey { problem } => failure(Kind::InvalidKey, none(), problem),
        Error::InvalidArgument { argument, problem } => {
            failure(Kind::InvalidArgument, argument.into(), problem)
        }
        Error::UnknownGroup { name, known } => failure(Kind::UnknownGroup, name, known),
        Error::NoRetriever { group } => failure(Kind::NoRetriever, group, none()),
        Error::TooLarge { bytes, limit, what } => {
            PeerFailure { amount: bytes, limit, ..failure(Kind::TooLarge, none(), what.into()) }
        }
        Error::Unavailable { who, reason } => failure(Kind::Unavailable, who, reason),
        Error::Overloaded { group, waiting } => {
            PeerFailure { limit: waiting.into(), ..failure(Kind::Overloaded, group, none()) }
        }
        Error::SourceRejected { reason } => failure(Kind::SourceRejected, none(), reason),
        Error::BadValue { reason } => failure(Kind::BadValue, none(), reason),
        Error::DeadlineExceeded { after } => PeerFailure {
            amount: after.as_millis() as u64,
            ..failure(Kind::DeadlineExceeded, none(), none())
        },
        Error::Stopping => failure(Kind::Stopping, none(), none()),
        Error::Internal(reason) => failure(Kind::Internal, none(), reason),
        // Only a call that asks other nodes fails like this, and no peer's request does
        // that.
        Error::NotConfirmed { nodes, reason } => {
            failure(Kind::Internal, none(), format!("{}: {reason}", nodes.join(", ")))
        }
        // A node is refused when it connects, before its first request.
        Error::PermissionDenied { problem } | Error::Unauthenticated { problem } => {
            failure(Kind::Internal, none(), problem)
        }
        // The rates are those of callers.
        limited @ Error::RateLimited { .. } => failure(Kind::Internal, none(), limited.to_string()),
    }
}

pub(super) fn decode(failure: PeerFailure) -> Error {
    let kind = failure.kind();
    let PeerFailure { reason, subject, amount, limit, .. } = failure;
    match kind {
        Kind::NotFound => Error::NotFound,
        Kind::InvalidKey => Error::InvalidKey { problem: reason },
        Kind::InvalidArgument => {
            let argument = ARGUMENTS.into_iter().find(|known| *known == subject);
            Error::InvalidArgument { argument: argument.unwrap_or("argument"), problem: reason }
        }
        Kind::UnknownGroup => Error::UnknownGroup { name: subject, known: reason },
        Kind::NoRetriever => Error::NoRetriever { group: subject },
        Kind::TooLarge => Error::TooLarge {
            bytes: amount,
            limit,
            what: "a limit of the key's owner; raise its `capacity` or `max-value`",
        },
        Kind::Unavailable => Error::Unavailable { who: subject, reason },
        Kind::Overloaded => {
            Error::Overloaded { group: subject, waiting: u32::try_from(limit).unwrap_or(u32::MAX) }
        }
        Kind::SourceRejected => Error::SourceRejected { reason },
        Kind::BadValue => Error::BadValue { reason },
        Kind::DeadlineExceeded => Error::DeadlineExceeded { after: Duration::from_millis(amount) },
        Kind::Stopping => Error::Stopping,
        Kind::Internal => Error::Internal(reason),
        Kind::Unspecified => Error::Internal(format!("an error of a newer version: {reason}")),
    }
}

/// The names of arguments that are decoded. Any other name becomes "argument".
const ARGUMENTS: [&str; 5] = ["call", "group", "keys", "ttl", "value"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_arrive_as_they_were() {
        let text = || "why".to_owned();
        let what = "a limit of the key's owner; raise its `capacity` or `max-value`";
        for error in [
            Error::NotFound,
            Error::InvalidKey { problem: text() },
            Error::InvalidArgument { argument: "ttl", problem: text() },
            Error::UnknownGroup { name: "g".into(), known: "h, i".into() },
            Error::NoRetriever { group: "g".into() },
            Error::TooLarge { bytes: 9, limit: 8, what },
            Error::Unavailable { who: "mysql".into(), reason: text() },
            Error::Overloaded { group: "g".into(), waiting: 7 },
            Error::SourceRejected { reason: text() },
            Error::BadValue { reason: text() },
            Error::DeadlineExceeded { after: Duration::from_millis(250) },
            Error::Stopping,
            Error::Internal(text()),
        ] {
            assert_eq!(decode(encode(error.clone())), error);
        }
    }
}
