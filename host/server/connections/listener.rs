//! The listeners of a node, and why one of them does not keep a connection.

use crate::tls::Speaks;

/// Which listener accepted a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum ListenerKind {
    /// gRPC.
    Grpc,
    /// Metrics and health.
    Http,
    /// The Redis protocol.
    Redis,
    /// The service that other nodes call, where it has a listener of its own.
    Peer,
}

impl ListenerKind {
    pub(super) const ALL: [Self; 4] = [Self::Grpc, Self::Http, Self::Redis, Self::Peer];

    /// Its name in metrics and logs.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Redis => "redis",
            Self::Peer => "peer",
        }
    }

    pub(in crate::server) fn speaks(self) -> Speaks {
        match self {
            Self::Grpc | Self::Peer => Speaks::Grpc,
            Self::Http => Speaks::Http,
            Self::Redis => Speaks::Redis,
        }
    }
}

/// Why a connection is refused or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The listener has as many connections as it may have.
    Connections,
    /// The client's address has.
    Address,
    /// No request came in time.
    FirstRequest,
    /// The client cancelled too many calls.
    Cancels,
    /// The client sent many frames that no call needs.
    Flood,
    /// All connections held too many bytes, and this one the most, or was a stranger's.
    Bytes,
}

impl Reason {
    pub(super) const ALL: [Self; 6] = [
        Self::Connections,
        Self::Address,
        Self::FirstRequest,
        Self::Cancels,
        Self::Flood,
        Self::Bytes,
    ];

    /// Its name in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Address => "address",
            Self::FirstRequest => "first-request",
            Self::Cancels => "cancels",
            Self::Flood => "flood",
            Self::Bytes => "bytes",
        }
    }

    /// What happened, with the setting that decides.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Connections => {
                "this listener has as many connections as max-connections allows; close some, or raise it"
            }
            Self::Address => {
                "this address has as many connections as max-connections-per-address allows; close some, or raise it"
            }
            Self::FirstRequest => "no request came within first-request-timeout",
            Self::Cancels => "the client cancelled more calls in a second than max-cancels allows",
            Self::Flood => "the client sent a flood of HTTP/2 frames that no call needs",
            Self::Bytes => {
                "clients held more bytes than max-client-bytes allows, and this one held the most, or nobody known had it"
            }
        }
    }
}
