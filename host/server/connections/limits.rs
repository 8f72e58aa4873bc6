//! What the clients of a node may take of it.

use std::time::Duration;

/// What the clients of a node may take of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Most open connections of one listener.
    pub max_connections: u32,
    /// Most open connections of one listener that one address has. For IPv6 an address is the
    /// first 64 bits, which one machine may have for itself.
    pub max_per_address: u32,
    /// The longest time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// The longest time until the first request of a connection is whole, and for the head of
    /// each request of HTTP/1.
    pub first_request_timeout: Duration,
    /// Most calls of one gRPC connection that run at a time.
    pub max_streams: u32,
    /// The longest headers of a request, in bytes.
    pub max_header_bytes: u64,
    /// Bytes of answers that one connection may leave unread. Answers beyond it wait.
    pub max_unread_bytes: u64,
    /// Bytes of requests and answers that all connections hold. Beyond it connections are ended:
    /// those of strangers first, and of these the ones that hold the most.
    pub max_client_bytes: u64,
    /// Most calls of one connection that its client may cancel within a second. Beyond it the
    /// connection is ended. A client whose calls all come to their deadline cancels `max_streams`
    /// at once.
    pub max_cancels: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_per_address: 2_500,
            handshake_timeout: Duration::from_secs(10),
            first_request_timeout: Duration::from_secs(30),
            max_streams: 1024,
            max_header_bytes: 16 << 10,
            max_unread_bytes: 16 << 20,
            max_client_bytes: 1 << 30,
            max_cancels: 4096,
        }
    }
}
