//! Configuration of the server.

use std::time::Duration;

use crate::transport::session::SESSION_WINDOW;

/// Limits of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The longest value of a Set or of another node's answer, in bytes. A message may be
    /// longer by the key and the name of the group.
    pub max_value_bytes: usize,
    /// The longest component of a SwapPolicy, in bytes.
    pub max_component_bytes: usize,
    /// The longest time for a call, and the time for a call without a deadline.
    pub request_timeout: Duration,
    /// Most requests of one Session that run at a time. Further requests wait.
    pub session_window: usize,
    /// How long a stopping server waits for requests in flight.
    pub drain_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_value_bytes: 64 << 20,
            max_component_bytes: 64 << 20,
            request_timeout: Duration::from_secs(30),
            session_window: SESSION_WINDOW,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
