//! The read path of one group, and what changes it: set, remove, clear.

mod get;
mod many;

mod fresh;
mod load;
mod reply;
mod room;
mod singleflight;

mod write;

mod clear;

mod change;
mod changes;
mod owner_versions;

mod remote;

mod copies;
mod handover;
mod holdings;
mod inheritance;

mod expiry;

mod config;
mod source;
mod ttl;

#[cfg(test)]
mod tests;

pub use config::{Config, Uncertain};
pub use handover::HandedOver;
pub use source::Source;
pub use ttl::MAX_TTL;

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::error::Error;
use crate::ownership::{Holdings, Ownership};
use crate::policy::Worker;
use crate::store::Store;
use crate::telemetry::{GroupCounters, LogLimiter};

use changes::Changes;
use copies::{Copies, Lender};
use fresh::FreshLoads;
use inheritance::Inheritance;
use owner_versions::OwnerVersions;
use reply::Reply;
use singleflight::Flights;

/// Between two lines of the log about a retriever that breaks.
const BROKEN_EACH: Duration = Duration::from_secs(10);

/// What values that were lost may take besides the store, for a minute after a node
/// came: one part in so many of the capacity.
const INHERITANCE_SHARE: u64 = 4;

/// The same for copies of what others own.
const COPIES_SHARE: u64 = 64;

/// Keys that share a capacity, a policy and a source.
pub struct Group {
    config: Config,
    parts: Parts,
    counters: GroupCounters,
    /// Loads by this node from the source, each with its span.
    flights: Arc<Flights<Reply, tracing::Span>>,
    /// Loads of keys that this node does not hold.
    fresh: FreshLoads,
    /// What a set that was long on its way must not undo, and what must not be taken
    /// over from another node.
    changes: Changes,
    /// The latest changes of other nodes that this one has heard of.
    owner_versions: OwnerVersions,
    /// Values of keys that were lost, for those who own them now.
    inheritance: Arc<Inheritance>,
    /// Values that others own, for a moment.
    copies: Copies,
    /// What other nodes ask for most, and what is lent of it.
    lender: Lender,
    /// Removals that go on without a caller.
    pending_removals: AtomicUsize,
    /// Whether an operator was told of a value too large for the capacity.
    warned_of_oversize: AtomicBool,
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
    pub worker: Arc<Worker>,
    /// Where missing values come from.
    pub source: Source,
    /// Which keys this node holds.
    pub ownership: Arc<Ownership>,
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
        let capacity = parts.store.stats().capacity_bytes;
        let group = Arc::new(Self {
            config,
            parts,
            counters: GroupCounters::default(),
            flights: Flights::new(),
            fresh: FreshLoads::new(),
            changes: Changes::new(),
            owner_versions: OwnerVersions::default(),
            inheritance: Arc::new(Inheritance::new(capacity / INHERITANCE_SHARE)),
            copies: Copies::new(capacity / COPIES_SHARE),
            lender: Lender::default(),
            pending_removals: AtomicUsize::new(0),
            warned_of_oversize: AtomicBool::new(false),
            broken: LogLimiter::every(BROKEN_EACH),
            _expiry: expiry,
        });
        let holdings: Weak<dyn Holdings> = Arc::downgrade(&group) as _;
        group.parts.ownership.add_holdings(holdings);
        Ok(group)
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
