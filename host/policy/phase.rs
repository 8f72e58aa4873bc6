//! The phases of a worker, and the state of a swap in progress.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::instance::Instance;
use super::status::WorkerState;
use super::{Failure, PolicyConfig, PolicySource};

/// Who chooses the victims of a group.
pub(super) enum Phase {
    /// The policy chooses.
    Running(Instance),
    /// The node chooses by recency, while the old policy lists its eviction order.
    Draining(Box<Draining>),
    /// The new policy chooses, but has not received every entry yet.
    Admitting(Box<Admitting>),
    /// The node chooses by recency, until a new instance is made at `until_ms`.
    Recovering { until_ms: u64 },
    /// The node chooses by recency, until a swap.
    Fallback,
}

/// The result of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// How the new policy learned of the entries.
    pub handover: Handover,
    /// Time from the request until the new policy knew every entry.
    pub took: Duration,
}

/// How a new policy learned of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The new policy restored the old one's state.
    Snapshot {
        /// Length of that state.
        bytes: u64,
    },
    /// The entries were admitted in the old policy's eviction order.
    Ordered {
        /// Number of entries that the old policy listed. The others followed by recency.
        entries: u64,
    },
    /// The entries were admitted by recency: no policy was running, or it failed.
    Recency,
}

/// A new policy, ready to take over.
pub(super) struct Swap {
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) config: PolicyConfig,
    pub(super) instance: Instance,
    pub(super) begun: Instant,
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
}

/// New limits for the policy that runs.
pub(super) struct Resize {
    pub(super) capacity: u64,
    pub(super) max_entries: u32,
    pub(super) begun: Instant,
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
}

impl Swap {
    /// Reports to the caller that the swap failed.
    pub(super) fn failed(self, failure: Failure) {
        // The caller may have stopped waiting.
        let _ = self.reply.send(Err(failure));
    }
}

/// An old policy that is being asked for its eviction order.
pub(super) struct Draining {
    pub(super) old: Instance,
    pub(super) swap: Box<Swap>,
    /// Slots that the old policy has listed so far, coldest first, without duplicates.
    pub(super) order: Vec<u32>,
    /// Bitmap over the slots: whether each is in `order`.
    pub(super) named: Vec<u64>,
    pub(super) victims: Vec<u32>,
    pub(super) until_ms: u64,
}

/// A new policy that has not received every entry yet.
pub(super) struct Admitting {
    pub(super) new: Instance,
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
    pub(super) begun: Instant,
    pub(super) handover: Handover,
    /// Number of entries that it has not received.
    pub(super) left: usize,
    pub(super) before: Before,
}

/// The state that a failed swap restores.
pub(super) struct Before {
    /// The old instance. `None` if there was none, it failed, or it was drained only in
    /// part, so that it is unknown which entries it still holds.
    pub(super) instance: Option<Instance>,
    /// The old policy's eviction order; empty if it was not drained.
    pub(super) order: Vec<u32>,
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) config: PolicyConfig,
    /// Whether the old policy ran.
    pub(super) state: WorkerState,
    /// Why it did not run.
    pub(super) problem: Option<String>,
}
