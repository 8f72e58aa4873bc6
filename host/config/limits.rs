//! The settings of what clients may take of a node.

use serde::Deserialize;

use super::text::{Count, Size, Time};
use crate::server::ConnectionLimits;

/// A client cancels all its calls when a node stalls, and again when it has tried them again.
/// Within a second that may be so often.
const CANCELS_OF_A_CALL: u32 = 4;

/// What one source says about the limits of clients.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args), command(next_help_heading = "Limits of clients"))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LimitSettings {
    /// The most open connections of one listener [default: 10000]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_connections: Option<Count>,
    /// The most open connections that one address has to one listener; of IPv6 the first 64
    /// bits count [default: 2500]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_connections_per_address: Option<Count>,
    /// The longest time for a TLS handshake [default: 10s]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) handshake_timeout: Option<Time>,
    /// The longest time until the first request of a connection has come, and each request of
    /// HTTP/1 [default: 30s]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) first_request_timeout: Option<Time>,
    /// The most calls of one gRPC connection that run at a time [default: 1024]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_streams: Option<Count>,
    /// The longest headers of a request [default: 16KiB]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SIZE"))]
    pub(crate) max_header: Option<Size>,
    /// The bytes of answers that one gRPC connection may leave unread; further answers wait
    /// [default: 16MiB]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SIZE"))]
    pub(crate) max_unread: Option<Size>,
    /// The bytes of requests and answers that all connections hold; beyond it connections are
    /// ended: those of strangers first, and the ones that hold the most [default: 1GiB]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SIZE"))]
    pub(crate) max_client_bytes: Option<Size>,
    /// The most calls of one connection that its client may cancel within a second; beyond it
    /// the connection is ended. If it is not set it is at least 4 times max-streams, since a
    /// client cancels all its calls when a node stalls [default: 4096]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_cancels: Option<Count>,
}

impl LimitSettings {
    /// The limits, with defaults for what is not said.
    pub(super) fn resolve(self) -> ConnectionLimits {
        let mut limits = ConnectionLimits::default();
        let size = |size: Option<Size>, default| size.map_or(default, |size| size.0);
        let time = |time: Option<Time>, default| time.map_or(default, |time| time.0);
        let count = |count: Option<Count>, default| count.map_or(default, |count| count.0);
        limits.max_connections = count(self.max_connections, limits.max_connections);
        limits.max_per_address = count(self.max_connections_per_address, limits.max_per_address);
        limits.handshake_timeout = time(self.handshake_timeout, limits.handshake_timeout);
        limits.first_request_timeout =
            time(self.first_request_timeout, limits.first_request_timeout);
        limits.max_streams = count(self.max_streams, limits.max_streams);
        limits.max_header_bytes = size(self.max_header, limits.max_header_bytes);
        limits.max_unread_bytes = size(self.max_unread, limits.max_unread_bytes);
        limits.max_client_bytes = size(self.max_client_bytes, limits.max_client_bytes);
        let least = limits.max_streams.saturating_mul(CANCELS_OF_A_CALL);
        limits.max_cancels = count(self.max_cancels, limits.max_cancels.max(least));
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_cancel_all_its_calls_and_again() {
        let of = |max_streams: Option<u32>, max_cancels: Option<u32>| {
            let (max_streams, max_cancels) = (max_streams.map(Count), max_cancels.map(Count));
            let settings = LimitSettings { max_streams, max_cancels, ..LimitSettings::default() };
            settings.resolve().max_cancels
        };
        assert_eq!((of(None, None), of(Some(16), None)), (4096, 4096));
        assert_eq!(of(Some(10_000), None), 40_000);
        assert_eq!(of(Some(10_000), Some(5)), 5, "what is set holds");
    }
}
