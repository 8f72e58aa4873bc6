//! One group of keys: its read path, its changes (set, remove, clear), and its answers to
//! other nodes.

mod get;
mod held_answer;
mod many;

mod ask;
mod fresh;
mod load;
mod refresh;
mod reply;
mod resize;
mod room;
mod singleflight;

mod write;

mod clear;

mod change;
mod change_many;
mod changes;
mod owner_versions;
mod without_group;

mod remote;

mod handover;
mod holdings;
mod inheritance;
mod lender;

mod expiry;
mod record;

mod choice;
mod config;
mod source;
mod source_health;
mod stale;
mod ttl;

#[cfg(test)]
mod tests;

pub use change_many::NewValue;
pub use choice::Choice;
pub use config::{GroupConfig, RefreshAhead, Uncertain};
pub use handover::HandedOver;
pub use record::{RecordedPart, Recording};
pub use source::Source;
pub use ttl::MAX_TTL;

pub(crate) use held_answer::Results;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::clock::Clock;
use crate::copies::Copies;
use crate::error::Error;
use crate::ownership::{Holdings, Ownership};
use crate::policy::Worker;
use crate::retriever::SharedRetriever;
use crate::store::Store;
use crate::telemetry::{GroupCounters, LogLimiter};
use crate::transport::remote::{PeerCall, Request};

use changes::Changes;
use fresh::FreshLoads;
use inheritance::Inheritance;
use lender::Lender;
use owner_versions::OwnerVersions;
use reply::Reply;
use singleflight::Flights;
use source_health::SourceHealth;
use without_group::WithoutGroup;

/// The shortest time between two log lines about a failing retriever.
const BROKEN_EACH: Duration = Duration::from_secs(10);

/// Values of lost keys are kept for a minute after a node joined. They may take one part
/// in this many of the capacity, in addition to the store.
const INHERITANCE_SHARE: u64 = 4;

/// Copies of values that other nodes own may take one part in this many of the capacity.
const COPIES_SHARE: u64 = 64;

/// Keys that share a capacity, a policy and a source.
pub struct Group {
    name: String,
    /// The same, as requests to other nodes have it.
    name_in_requests: Bytes,
    /// Replaced as a whole by [`Group::reload`].
    config: ArcSwap<GroupConfig>,
    parts: Parts,
    counters: GroupCounters,
    /// Loads of keys that this node holds, each with its tracing span.
    flights: Arc<Flights<Reply, tracing::Span>>,
    /// Loads of keys that this node does not hold.
    fresh: FreshLoads,
    /// The changes of keys, by number and time. They reject stale sets, and outdated
    /// values of a previous owner.
    changes: Changes,
    /// The newest change number that each other node has reported.
    owner_versions: OwnerVersions,
    /// The owners that have no such group.
    without_group: WithoutGroup,
    /// Values of lost keys, kept for their new owner.
    inheritance: Arc<Inheritance>,
    /// Short-lived copies of values that other nodes own.
    copies: Copies,
    /// Counts the gets of nodes and clients to find hot keys, and tracks lent copies.
    lender: Lender,
    /// Number of removals that are being retried in the background.
    pending_removals: AtomicUsize,
    /// Whether the warning about a value larger than the capacity was logged.
    warned_of_oversize: AtomicBool,
    /// Why it has its policy, where the node chooses that.
    choice: Choice,
    /// Whether the source answers at present.
    source_health: SourceHealth,
    /// A hit of a value that expires in less time may begin a load; 0: none does. A hit reads
    /// this instead of the configuration.
    refresh_below_ms: AtomicU64,
    /// Until when nothing is loaded again ahead of its deadline, because such a load has failed.
    no_refresh_before_ms: AtomicU64,
    /// Limits the log lines about a failing retriever, which may fail at every load.
    broken: LogLimiter,
    /// The task that collects expired entries. Dropping the group ends it.
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
    /// Makes a group, and starts the task that collects its expired entries.
    ///
    /// # Errors
    /// [`GroupConfig::check`] refuses the configuration.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(config: GroupConfig, parts: Parts) -> Result<Arc<Self>, Error> {
        config.check()?;
        let mut expiry = JoinSet::new();
        expiry.spawn(expiry::collect(Arc::clone(&parts.store), parts.clock.clone()));
        let capacity = parts.store.stats().capacity_bytes;
        let group = Arc::new(Self {
            name: config.name.clone(),
            name_in_requests: Bytes::copy_from_slice(config.name.as_bytes()),
            config: ArcSwap::from_pointee(config),
            parts,
            counters: GroupCounters::default(),
            flights: Flights::new(),
            fresh: FreshLoads::new(),
            changes: Changes::new(),
            owner_versions: OwnerVersions::default(),
            without_group: WithoutGroup::default(),
            inheritance: Arc::new(Inheritance::new(capacity / INHERITANCE_SHARE)),
            copies: Copies::new(capacity / COPIES_SHARE),
            lender: Lender::default(),
            pending_removals: AtomicUsize::new(0),
            warned_of_oversize: AtomicBool::new(false),
            choice: Choice::default(),
            source_health: SourceHealth::default(),
            refresh_below_ms: AtomicU64::new(0),
            no_refresh_before_ms: AtomicU64::new(0),
            broken: LogLimiter::every(BROKEN_EACH),
            _expiry: expiry,
        });
        let holdings: Weak<dyn Holdings> = Arc::downgrade(&group) as _;
        group.parts.ownership.add_holdings(holdings);
        group.apply_times();
        Ok(group)
    }

    /// A request of this group to another node. `key` is empty if it is about no single one.
    fn request(&self, key: &str, call: PeerCall) -> Request {
        self.parts.ownership.request(self.name_in_requests.clone(), key, call)
    }

    /// The name that callers give.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The group's configuration at present.
    #[must_use]
    pub fn config(&self) -> Arc<GroupConfig> {
        self.config.load_full()
    }

    /// Takes over the times of `config`. They are for what is loaded, set or found absent from
    /// now on; entries keep the deadline that they have.
    ///
    /// # Errors
    /// [`GroupConfig::check`] refuses the result, and nothing changes.
    pub fn reload(&self, config: &GroupConfig) -> Result<(), Error> {
        let reloaded = self.config.load().with_times_of(config);
        reloaded.check()?;
        self.config.store(Arc::new(reloaded));
        self.apply_times();
        Ok(())
    }

    /// Makes the times of the configuration known where they are read without it.
    fn apply_times(&self) {
        let config = self.config.load();
        let window_ms = config.refresh_window().as_millis() as u64;
        self.parts.store.keep_expired(config.keep_expired().as_millis() as u64);
        self.parts.store.refresh_ahead(window_ms);
        self.refresh_below_ms.store(window_ms, Ordering::Relaxed);
    }

    /// Makes loads that begin from now on use `retriever`; see [`Source::replace`]. Its source is
    /// asked whether it answers.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn replace_source(self: &Arc<Self>, retriever: Option<SharedRetriever>) {
        self.parts.source.replace(retriever);
        self.begin_probe();
    }

    /// Asks the source in the background whether it answers.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn begin_probe(self: &Arc<Self>) {
        let group = Arc::clone(self);
        tokio::spawn(async move { group.probe_source().await });
    }

    /// A word for the state of the source, and its problem, for people.
    #[must_use]
    pub fn source_state(&self) -> (&'static str, String) {
        self.source_health.state()
    }

    /// Nodes that own keys of this group and have no such group, by what they last answered.
    #[must_use]
    pub fn missing_on(&self) -> Vec<String> {
        self.without_group.nodes()
    }

    /// What the group works with.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Why the group has its policy, where the node chooses that.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The group's counters.
    #[must_use]
    pub fn counters(&self) -> &GroupCounters {
        &self.counters
    }
}
