//! Who chooses the victims of a group, and what a swap that is under way has to keep.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::instance::Instance;
use super::status::WorkerState;
use super::{Failure, PolicyConfig, PolicySource};

/// Who chooses.
pub(super) enum Phase {
    /// The policy.
    Running(Instance),
    /// The node, while the old policy gives its order for a new one.
    Draining(Box<Draining>),
    /// The new policy, which is told of the entries meanwhile.
    Admitting(Box<Admitting>),
    /// The node, until it is time for a new instance.
    Recovering { until_ms: u64 },
    /// The node, until a swap.
    Fallback,
}

/// What a swap did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// How the new policy learned of the entries.
    pub handover: Handover,
    /// From the request until the new policy knew them.
    pub took: Duration,
}

/// How a new policy learned of the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It took over the old one's state.
    Snapshot {
        /// Length of that state.
        bytes: u64,
    },
    /// It was told in the order in which the old one would have evicted them.
    Ordered {
        /// How many the old one named; the others followed by recency.
        entries: u64,
    },
    /// By recency: no policy was running.
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

impl Swap {
    /// Answers that it came to nothing.
    pub(super) fn failed(self, failure: Failure) {
        // Who asked may have stopped waiting.
        let _ = self.reply.send(Err(failure));
    }
}

/// An old policy that is asked for its order.
pub(super) struct Draining {
    pub(super) old: Instance,
    pub(super) swap: Box<Swap>,
    /// What the old one named so far, coldest first, none twice.
    pub(super) order: Vec<u32>,
    /// For each slot, whether it is in `order`: one bit.
    pub(super) named: Vec<u64>,
    pub(super) victims: Vec<u32>,
    pub(super) until_ms: u64,
}

/// A new policy that does not know every entry yet.
pub(super) struct Admitting {
    pub(super) new: Instance,
    pub(super) reply: oneshot::Sender<Result<Swapped, Failure>>,
    pub(super) begun: Instant,
    pub(super) handover: Handover,
    /// Entries that it has not been told of.
    pub(super) left: usize,
    pub(super) before: Before,
}

/// What a swap that comes to nothing goes back to.
pub(super) struct Before {
    /// `None`: it had failed, or what it knows is not known.
    pub(super) instance: Option<Instance>,
    /// What it has given away of what it knew: all, or nothing.
    pub(super) order: Vec<u32>,
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) config: PolicyConfig,
    /// Whether it ran, and if not, why.
    pub(super) state: WorkerState,
    pub(super) problem: Option<String>,
}
