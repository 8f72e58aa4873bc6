//! Configuration of a worker.

use std::time::Duration;

use super::{Patience, PolicyConfig};
use crate::clock::Clock;

/// Configuration of a worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Parameters of each instance.
    pub policy: PolicyConfig,
    /// The store's clock.
    pub clock: Clock,
    /// Most changes and most touches of one step, and most entries evicted by
    /// recency at a time.
    pub drain_limit: usize,
    /// How long an insert waits for the worker before it evicts by recency itself.
    pub room_wait: Duration,
    /// How long a swap asks the old policy for its eviction order.
    pub handover_limit: Duration,
    /// How often and when a failed policy is restarted.
    pub patience: Patience,
}

impl WorkerConfig {
    /// The defaults: 256 changes and 256 touches a step, 20 ms of waiting for room, 10 s
    /// for a handover.
    #[must_use]
    pub fn new(policy: PolicyConfig, clock: Clock) -> Self {
        Self {
            policy,
            clock,
            drain_limit: 256,
            room_wait: Duration::from_millis(20),
            handover_limit: Duration::from_secs(10),
            patience: Patience::default(),
        }
    }
}
