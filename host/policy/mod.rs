//! The contract of an eviction policy, and the worker that drives one.
//!
//! A policy never sees a value and never calls the store. It receives events in
//! batches and returns victims. The store decides whether to evict them.

mod batch;
mod residents;
mod touches;

mod config;
mod worker;

mod commands;
mod live;
mod room;
mod waker;

mod phase;
mod swap;
mod worker_thread;

mod complaints;
mod instance;
mod recovery;
mod statistics;
mod status;

mod native;
mod simulated;

#[cfg(test)]
mod tests;

pub use batch::{Attributes, Batch};
#[doc(hidden)]
pub use config::WorkerConfig;
pub use native::Native;
#[doc(hidden)]
pub use residents::{Evicted, Residents};
#[doc(hidden)]
pub use status::WorkerState;
#[doc(hidden)]
pub use waker::Waker;
#[doc(hidden)]
pub use worker::{Turns, Worker};

pub(crate) use instance::Instance;
pub(crate) use recovery::Patience;
pub(crate) use simulated::{Broken, Faults, Index, SimulatedCache};
pub(crate) use status::STEP_BOUNDS_US;
pub(crate) use touches::TouchRing;

use std::sync::Arc;

/// One eviction policy at work for one group.
///
/// The caller makes one call at a time, passes only slots below `max_entries`, and
/// never lets `now_ms` go back. An implementation need not be correct: its victims
/// are checked against the resident entries, and an instance that returned an error
/// is dropped and replaced.
pub trait Policy: Send {
    /// Applies the events since the last step and appends victims to `victims`, coldest
    /// first, until their weights add up to `need` or there are `max_victims`.
    /// `wit/psycache-plugin.wit` defines the order in which the lists of a batch apply.
    /// The caller passes an empty `victims`.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure>;

    /// The policy's own counters and gauges; empty if it has none.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        Ok(Vec::new())
    }

    /// Exports the state for a new instance; `None` if the policy does not support it.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        Ok(None)
    }

    /// Imports the state of the instance before it. Returns `false` if the policy does not
    /// know the format.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn restore(&mut self, _state: &Snapshot) -> Result<bool, Failure> {
        Ok(false)
    }
}

/// State handed from one instance of a policy to the next.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Name of the format of `bytes`.
    pub format: String,
    /// Opaque to the node.
    pub bytes: Vec<u8>,
}

/// Makes instances of one policy, which is a loaded component or native code.
pub trait PolicySource: Send + Sync {
    /// Name in status and metrics: that of a built-in policy, or the component's file.
    fn name(&self) -> &str;

    /// Digest of the component in hexadecimal; empty for native code.
    fn sha256(&self) -> &str {
        ""
    }

    /// Makes and configures an instance.
    ///
    /// # Errors
    /// The configuration is refused, or the plugin fails.
    fn instantiate(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure>;
}

/// A shared source of policies.
pub type SharedPolicySource = Arc<dyn PolicySource>;

/// Parameters of a new instance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyConfig {
    /// Capacity of the store, in the unit of the weights.
    pub capacity: u64,
    /// Exclusive upper bound of every slot.
    pub max_entries: u32,
    /// Most victims that one step may return.
    pub max_victims: u32,
    /// Seed for policies that use random numbers.
    pub seed: u64,
    /// `name = value`, in the order given.
    pub options: Vec<(String, String)>,
}

impl PolicyConfig {
    /// A capacity and a bound of the slots; at most 64 victims a step, and no options.
    #[must_use]
    pub fn new(capacity: u64, max_entries: u32) -> Self {
        Self { capacity, max_entries, max_victims: 64, seed: 1, options: Vec::new() }
    }
}

/// Lookups that a policy may make about resident entries.
pub trait Keys: Send + Sync {
    /// The key in `slot`, if an entry is there now.
    fn key(&self, slot: u32) -> Option<String>;
}

/// Why an instance can't be used (any more).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It refused its configuration; the text names the option.
    #[error("{0}")]
    Refused(String),
    /// It trapped.
    #[error("trapped: {0}")]
    Trap(String),
    /// It ran longer than a step may.
    #[error("ran longer than {limit_ms} ms")]
    Deadline {
        /// What a call was allowed.
        limit_ms: u64,
    },
    /// It wanted more memory than it may have.
    #[error("wanted more than {limit_bytes} bytes of memory")]
    Memory {
        /// What an instance is allowed.
        limit_bytes: u64,
    },
    /// The process may not have the address space that an instance reserves.
    #[error(
        "found no address space for its memory, of which each instance reserves 4 GiB; \
         raise or remove the limit of the process (`ulimit -v`, RLIMIT_AS)"
    )]
    AddressSpace,
    /// It answered with more than `max_victims` victims.
    #[error("answered with {count} or more victims where at most {limit} were allowed")]
    TooManyVictims {
        /// A lower bound of the number returned: the rest of a very long list is not read.
        count: u64,
        /// How many are allowed.
        limit: u32,
    },
    /// The worker has ended, and its policy with it.
    #[error("the worker of this group has ended; the node is stopping")]
    Stopped,
}

impl Failure {
    /// Every [`kind`](Self::kind).
    pub const KINDS: [&str; 6] =
        ["refused", "trap", "deadline", "memory", "too-many-victims", "stopped"];

    /// The value of the `kind` label in metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Trap(_) => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } | Self::AddressSpace => "memory",
            Self::TooManyVictims { .. } => "too-many-victims",
            Self::Stopped => "stopped",
        }
    }
}
