//! The read path of one group, and what changes it: set, remove, clear.

mod get;
mod load;
mod room;
mod singleflight;

mod answer;
mod change;
mod changed_lately;
mod everywhere;
mod handoff;
mod seen;
mod told;

mod expiry;

mod config;
mod source;
mod ttl;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use handoff::HandedOff;
pub use source::Source;
pub use ttl::MAX_TTL;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::policy::Lane;
use crate::store::Store;
use crate::telemetry::{GroupCounters, LogLimiter};
use crate::value::Answer;

use changed_lately::ChangedLately;
use seen::Seen;
use singleflight::Flights;

/// Between two lines of the log about a retriever that breaks.
const BROKEN_EACH: Duration = Duration::from_secs(10);

/// What a flight ends with; all who wait get the same.
type Reply = Result<Answer, Error>;

/// Keys that share a capacity, a policy and a source.
pub struct Group {
    config: Config,
    parts: Parts,
    counters: GroupCounters,
    /// Loads by this node from the source, each with its span.
    flights: Arc<Flights<Reply, tracing::Span>>,
    /// What a previous owner must not be asked for, and what a set that was long on
    /// its way must not undo.
    changed_lately: ChangedLately,
    /// The latest changes of other nodes that this one has heard of.
    seen: Seen,
    /// Whether an operator was told of a value too large for the capacity.
    told_of_oversize: AtomicBool,
    /// A retriever that breaks may do so at each load.
    broken: LogLimiter,
    /// Collects what expired until the group is dropped.
    _expiry: JoinSet<()>,
}

/// What a group works with.
pub struct Parts {
    /// Its entries.
    pub store: Arc<Store>,
    /// The store's clock.
    pub clock: Clock,
    /// Makes room in the store.
    pub lane: Arc<Lane>,
    /// Where missing values come from.
    pub source: Source,
    /// Who owns a key.
    pub cluster: Arc<Cluster>,
}

impl Group {
    /// A group, and the task that collects what expired of it.
    ///
    /// # Errors
    /// [`Config::check`] refuses the configuration.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(config: Config, parts: Parts) -> Result<Arc<Self>, Error> {
        config.check()?;
        let mut expiry = JoinSet::new();
        expiry.spawn(expiry::collect(Arc::clone(&parts.store), parts.clock.clone()));
        Ok(Arc::new(Self {
            config,
            parts,
            counters: GroupCounters::default(),
            flights: Flights::new(),
            changed_lately: ChangedLately::new(),
            seen: Seen::default(),
            told_of_oversize: AtomicBool::new(false),
            broken: LogLimiter::every(BROKEN_EACH),
            _expiry: expiry,
        }))
    }

    /// What the group was told.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the group works with.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What happened in the group so far.
    #[must_use]
    pub fn counters(&self) -> &GroupCounters {
        &self.counters
    }
}
