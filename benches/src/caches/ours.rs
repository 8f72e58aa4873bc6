//! The store of a group with its worker, called as a group calls them for each request. The
//! network and the retriever are left out, because the peers have neither.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use psycache::clock::Clock;
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{Native, PolicyConfig, PolicySource, Waker, Worker, WorkerConfig};
use psycache::store::{NewEntry, NoRoom, Reservation, Store, StoreConfig};
use psycache_policy_lru::Lru;
use tokio::runtime::Runtime;

use super::Cache;

/// Bytes of the capacity for each entry: enough that the number of entries is what
/// binds, as it does for the peers. Both are accounted for either way.
const ROOM: u64 = 400;

/// How the policy runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// As a node loads it.
    Component(&'static str),
    /// The source of `lru.wasm`, compiled into this program.
    NativeLru,
}

/// The parts that all caches of a run share.
pub(crate) struct Parts {
    engines: Arc<Engines>,
    /// Loaded once, so that its code is not counted for each cache.
    lru: Arc<dyn PolicySource>,
    /// Inserts that find the store full wait on its timer.
    runtime: Arc<Runtime>,
}

impl Parts {
    pub(crate) fn new() -> Result<Self> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = Arc::new(runtime.worker_threads(1).enable_time().build()?);
        let engines = Engines::new(&CompileCache::User)?;
        let lru = component(&engines, "lru")?;
        Ok(Self { engines, lru, runtime })
    }

    /// A policy of this kind.
    pub(crate) fn source(&self, kind: Kind) -> Result<Arc<dyn PolicySource>> {
        Ok(match kind {
            Kind::NativeLru => Arc::new(Native::<Lru>::new("lru")),
            Kind::Component("lru") => Arc::clone(&self.lru),
            Kind::Component(name) => component(&self.engines, name)?,
        })
    }
}

fn component(engines: &Arc<Engines>, name: &str) -> Result<Arc<dyn PolicySource>> {
    let plugin = Plugin::resolve(name)?;
    let limits = PolicyLimits::default();
    Ok(PolicyComponent::load(engines, plugin, &policy_config(1 << 20, 1 << 10), limits)?)
}

/// The configuration of an instance, as a node makes it.
pub(crate) fn policy_config(capacity: u64, max_entries: u32) -> PolicyConfig {
    let mut config = PolicyConfig::new(capacity, max_entries);
    config.max_victims = 256;
    config
}

pub(crate) struct Ours {
    store: Arc<Store>,
    clock: Clock,
    worker: Worker,
    runtime: Arc<Runtime>,
}

impl Ours {
    /// A cache of `entries` entries, put together as a node does it.
    pub(crate) fn new(parts: &Parts, kind: Kind, entries: u32) -> Result<Self> {
        let clock = Clock::monotonic();
        let waker = Waker::new();
        let wake = waker.clone();
        let config = StoreConfig::new(u64::from(entries) * ROOM, Some(entries));
        let store = Store::new(config.clone(), clock.clone(), Box::new(move || wake.wake()));
        let policy = policy_config(config.capacity_bytes, store.slot_bound());
        let source = parts.source(kind)?;
        let worker_config = WorkerConfig::new(policy, clock.clone());
        let worker = Worker::start("bench", source, worker_config, store.clone(), waker)?;
        Ok(Self { store, clock, worker, runtime: Arc::clone(&parts.runtime) })
    }

    /// What [`psycache::group::Group`] does before it keeps an entry.
    fn room(&self, key: &str, value: &Bytes) -> Reservation {
        loop {
            match self.store.reserve(key.len(), value.len()) {
                Ok(room) => return room,
                Err(NoRoom::Full) => self.runtime.handle().block_on(self.worker.room()),
                Err(NoRoom::TooLarge(error)) => panic!("values are small: {error}"),
            }
        }
    }

    fn put(&self, key: &str, hash: u64, value: Bytes, deadline_ms: Option<u64>) {
        let room = self.room(key, &value);
        let entry = NewEntry { value: Some(value), deadline_ms, cost_us: 0 };
        self.store.commit(room, key, hash, entry);
    }
}

impl Cache for Ours {
    fn get_or_insert(&self, key: &str, load: &dyn Fn() -> Bytes) -> bool {
        let hash = self.store.hash(key);
        if let Some(found) = self.store.get(key, hash) {
            black_box(&found.value);
            return true;
        }
        self.put(key, hash, load(), None);
        false
    }

    fn get(&self, key: &str) -> bool {
        self.store.get(key, self.store.hash(key)).is_some_and(|found| {
            black_box(&found.value);
            true
        })
    }

    fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) {
        let deadline_ms = ttl.map(|ttl| self.clock.now_ms() + ttl.as_millis() as u64);
        self.put(key, self.store.hash(key), value, deadline_ms);
    }

    fn remove(&self, key: &str) {
        self.store.remove(key, self.store.hash(key));
    }

    fn len(&self) -> u64 {
        self.store.stats().entries
    }

    fn settle(&self) {
        // An answer comes after a turn of the worker, and the last of them found
        // nothing to do.
        let mut steps = None;
        while steps.replace(self.worker.status().steps) != Some(self.worker.status().steps) {
            let statistics = self.runtime.handle().block_on(self.worker.statistics());
            statistics.expect("the policy runs");
        }
    }
}
