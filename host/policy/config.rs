//! How a worker works.

use std::time::Duration;

use super::{Patience, PolicyConfig};
use crate::clock::Clock;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// What each instance is told.
    pub policy: PolicyConfig,
    /// The store's clock.
    pub clock: Clock,
    /// Most changes and most touches of one step, and most entries evicted by
    /// recency at a time.
    pub drain_limit: usize,
    /// How long an insert waits for the policy before room is made without it.
    pub room_wait: Duration,
    /// How long an old policy may take to tell its order at a swap.
    pub handover_limit: Duration,
    /// What happens when the policy fails.
    pub patience: Patience,
}

impl WorkerConfig {
    /// The defaults: 256 events a step, 20 ms for room, 10 s for a hand-over.
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
