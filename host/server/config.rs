//! What the server is told.

use std::time::Duration;

/// Limits of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The longest value of a Set or of another node's answer, in bytes; a message may
    /// be longer by a key and a group's name.
    pub max_value_bytes: usize,
    /// The longest component of a SwapPolicy, in bytes.
    pub max_component_bytes: usize,
    /// How long a caller waits that gives no deadline of its own.
    pub request_timeout: Duration,
    /// Requests of one Session at work at a time; more wait in the connection.
    pub session_window: usize,
    /// How long a server that stops waits for what is in flight.
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_value_bytes: 64 << 20,
            max_component_bytes: 64 << 20,
            request_timeout: Duration::from_secs(30),
            session_window: 256,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
