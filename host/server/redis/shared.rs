//! What all connections share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connections::RedisConnections;
use crate::group::Group;
use crate::server::callers::Callers;
use crate::server::groups::Groups;
use crate::server::health::Health;

pub(super) struct Shared {
    pub(super) groups: Groups,
    /// The group that is selected at first.
    pub(super) first: Arc<Group>,
    pub(super) health: Arc<Health>,
    pub(super) connections: Arc<RedisConnections>,
    pub(super) callers: Callers,
    /// The time for a command, and for a client to take an answer.
    pub(super) request_timeout: Duration,
    /// The most bytes of a request.
    pub(super) most_bytes: usize,
    /// Port of the listener.
    pub(super) port: u16,
    pub(super) started: Instant,
}
