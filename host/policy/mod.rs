//! Who leaves: the contract of an eviction policy, and the worker that drives one.
//!
//! A policy never sees a key or a value and never calls the store. It is told
//! what happened in batches and answers with victims; the store decides whether
//! to act on them.

mod batch;
mod residents;
mod touches;

mod config;
mod worker;

mod commands;
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

#[cfg(test)]
mod tests;

pub use batch::{Attributes, Batch};
pub use config::WorkerConfig;
pub use native::Native;
pub use phase::{Handover, Swapped};
pub use recovery::Patience;
pub use residents::{Evicted, Residents};
pub use status::{STEP_BOUNDS_US, WorkerState, WorkerStatus};
pub use touches::TouchRing;
pub use waker::Waker;
#[doc(hidden)]
pub use worker::Turns;
pub use worker::Worker;

use std::sync::Arc;

/// One eviction policy at work for one group.
///
/// The caller guarantees: one call at a time, slots below `max_entries`, `now_ms`
/// never going back. An implementation may be wrong in any way: what it answers
/// is checked against what is resident, and after an error it is dropped and
/// replaced.
pub trait Policy: Send {
    /// Tells what happened since the last step and asks for victims, coldest
    /// first, until their weights add up to `need` or there are `max_victims`.
    /// The order in which the parts of a batch apply is that of
    /// `wit/psycache-plugin.wit`. `victims` comes empty.
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

    /// Counters and gauges of the policy's own; empty if it has none.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        Ok(Vec::new())
    }

    /// Its state for a successor of the same kind; `None` if it offers none.
    ///
    /// # Errors
    /// The instance can't be used any more.
    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        Ok(None)
    }

    /// Takes over a predecessor's state; `false`: not its format.
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
    /// Who can read the bytes.
    pub format: String,
    /// Opaque to the node.
    pub bytes: Vec<u8>,
}

/// Makes instances of one policy: a loaded component, or native code.
pub trait PolicySource: Send + Sync {
    /// A built-in's name or the file it came from, for status and metrics.
    fn name(&self) -> &str;

    /// Digest of the component in hexadecimal; empty for native code.
    fn sha256(&self) -> &str {
        ""
    }

    /// A fresh, configured instance.
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

/// What an instance is told when it is made.
#[derive(Clone, Debug)]
pub struct PolicyConfig {
    /// Budget in the unit of the weights.
    pub capacity: u64,
    /// Exclusive upper bound of every slot.
    pub max_entries: u32,
    /// Most victims of one step.
    pub max_victims: u32,
    /// For policies that randomise.
    pub seed: u64,
    /// `name = value`, in the order given.
    pub options: Vec<(String, String)>,
}

/// What a policy may ask about a resident entry.
pub trait Keys: Send + Sync {
    /// The key in `slot`, if an entry is there now.
    fn key(&self, slot: u32) -> Option<String>;
}

/// Why an instance can't be used (any more).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// It answered with more than `max_victims` victims.
    #[error("answered with {count} or more victims where at most {limit} were allowed")]
    TooManyVictims {
        /// How many there were at least: a list far too long is not read.
        count: u64,
        /// How many are allowed.
        limit: u32,
    },
    /// The worker has ended, so nothing can be asked of its policy.
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
            Self::Memory { .. } => "memory",
            Self::TooManyVictims { .. } => "too-many-victims",
            Self::Stopped => "stopped",
        }
    }
}
