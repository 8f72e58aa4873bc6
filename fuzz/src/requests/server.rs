//! A node's groups and services, and a data source that does what a key says.

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{self, BoxFuture, FutureExt};
use parking_lot::{Mutex, MutexGuard};
use psycache::clock::Clock;
use psycache::error::Error;
use psycache::group::{self, Group, GroupConfig};
use psycache::membership::rendezvous::RingNode;
use psycache::membership::view::Entry;
use psycache::ownership::{Ownership, Timing};
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{Keys, PolicyConfig, Waker, Worker, WorkerConfig};
use psycache::proto::StatusResponse;
use psycache::retriever::{FetchError, Fetched, Retriever};
use psycache::server::{
    Callers, GroupShadow, Groups, Health, LocalNode, Operations, PolicySwap, PolicySwapped,
    PolicyTrial, RedisService, Reloaded, Security, ServerConfig, Services, ShadowStart, TrialNews,
    routes,
};
use psycache::store::{ENTRY_OVERHEAD, Store, StoreConfig};
use psycache::telemetry::{Metrics, NodeReading};
use psycache::transport::remote::{Reachability, Remote, RemoteError, Request, Response};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tonic::service::Routes;

use super::call::Call;

const CAPACITY: u64 = 20_000;
const LONGEST_VALUE: u64 = 15_000;
const LONGEST_COMPONENT: usize = 10_000;
/// Looks at a store until its numbers have to fit: the worker is at work meanwhile.
const LOOKS: usize = 10_000;

/// Made once: what one input leaves behind is cleared before the next.
pub(crate) struct Server {
    runtime: Runtime,
    routes: Routes,
    redis: RedisService,
    groups: Groups,
    /// Goes while calls are under way, and else stands still: nothing expires between
    /// two looks at a store.
    clock: Clock,
}

impl Server {
    pub(crate) fn shared() -> MutexGuard<'static, Self> {
        static SERVER: LazyLock<Mutex<Server>> = LazyLock::new(|| Mutex::new(Server::start()));
        SERVER.lock()
    }

    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime can be made");
        #[allow(clippy::disallowed_methods, reason = "a fuzz target is a main")]
        let clock = Clock::manual();
        #[allow(clippy::disallowed_methods, reason = "a fuzz target is a main")]
        let (routes, redis, groups) = runtime.block_on(services(&clock));
        Self { runtime, routes, redis, groups, clock }
    }

    /// Makes the calls side by side and sees each to its end.
    pub(super) fn answer(&self, calls: impl Iterator<Item = Call>) {
        self.run(future::join_all(calls.map(|call| call.make(self.routes.clone()))));
    }

    /// The same groups, for Redis clients.
    pub(crate) fn redis(&self) -> &RedisService {
        &self.redis
    }

    /// Does `work` in front of empty stores, and looks at them afterwards.
    pub(crate) fn run(&self, work: impl Future) {
        let answered = async {
            for group in self.groups.iter() {
                group.parts().store.clear();
            }
            future::select(pin!(work), pin!(self.time_goes())).await;
            for group in self.groups.iter() {
                comes_to_rest(&group.parts().store).await;
            }
        };
        #[allow(clippy::disallowed_methods, reason = "a fuzz target is a main")]
        self.runtime.block_on(answered);
    }

    /// Never ends.
    async fn time_goes(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.clock.advance(1);
        }
    }
}

/// What is held is the sum of the entries, as soon as nothing is under way.
async fn comes_to_rest(store: &Store) {
    for _ in 0..LOOKS {
        let before = store.stats();
        assert!(before.bytes <= CAPACITY, "{before:?}");
        let keys = (0..store.slot_bound()).filter_map(|slot| store.key(slot));
        let weight = |key: String| {
            let found = store.peek(&key, store.hash(&key));
            let length = found.and_then(|found| found.value).map_or(0, |value| value.len());
            ENTRY_OVERHEAD + (key.len() + length) as u64
        };
        if keys.map(weight).sum::<u64>() == before.bytes {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("bytes that no entry has: {:?}", store.stats());
}

async fn services(clock: &Clock) -> (Routes, RedisService, Groups) {
    let dial = |address: &str| Arc::new(Nobody(address.to_owned())) as Arc<dyn Remote>;
    let own = Entry::own("127.0.0.1:7400", 1);
    let ownership = Ownership::new(own, Timing::default(), clock.clone(), dial);
    let ownership = Arc::new(ownership);
    ownership.follow_list(vec![RingNode { address: "127.0.0.1:7400".into(), weight: 1 }]);
    let scores = group("scores", Some(Arc::new(Source)), clock, &ownership);
    let groups = Groups::new([scores, group("notes", None, clock, &ownership)]);
    let health = Arc::new(Health::starting(&groups));
    health.ready();
    let config = ServerConfig {
        max_value_bytes: LONGEST_VALUE as usize,
        max_component_bytes: LONGEST_COMPONENT,
        session_window: 4,
        ..ServerConfig::default()
    };
    let services = Services {
        groups: groups.clone(),
        local: Some(Arc::new(LocalNode::new(groups.clone(), ownership))),
        operations: Arc::new(Operator { groups: groups.clone() }),
        metrics: Arc::new(Metrics::new(nothing)),
        health: Arc::clone(&health),
        redis_connections: Arc::default(),
        connections: Arc::default(),
        security: Security::default(),
    };
    let redis = RedisService::new(
        &config,
        groups.clone(),
        health,
        Arc::default(),
        Callers::default(),
        6379,
    );
    let redis = redis.expect("there are groups");
    (routes(&config, services), redis, groups)
}

fn group(
    name: &str,
    source: Option<Arc<dyn Retriever>>,
    clock: &Clock,
    ownership: &Arc<Ownership>,
) -> Arc<Group> {
    static LRU: LazyLock<Arc<PolicyComponent>> = LazyLock::new(|| {
        let engines = Engines::new(&CompileCache::Off).expect("engines can be made");
        let plugin = Plugin::builtin("lru").expect("it is built in");
        PolicyComponent::load(&engines, plugin, &policy(1000), PolicyLimits::default())
            .expect("it loads")
    });
    let clock = clock.clone();
    let waker = Waker::new();
    let wake = waker.clone();
    let config = StoreConfig::new(CAPACITY, None);
    let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
    let worker = WorkerConfig::new(policy(store.slot_bound()), clock.clone());
    let worker = Worker::start(name, LRU.clone(), worker, store.clone(), waker).expect("it starts");
    let (worker, ownership) = (Arc::new(worker), Arc::clone(ownership));
    let parts = group::Parts { store, clock, worker, source: source.into(), ownership };
    let mut config = GroupConfig::named(name);
    config.load_timeout = Duration::from_millis(5);
    config.max_value_bytes = LONGEST_VALUE;
    Group::new(config, parts).expect("the configuration is right")
}

fn policy(max_entries: u32) -> PolicyConfig {
    PolicyConfig::new(CAPACITY, max_entries)
}

/// A node that is out of reach, as one is that a stranger made up.
struct Nobody(String);

impl Remote for Nobody {
    fn address(&self) -> &str {
        &self.0
    }

    fn reachability(&self) -> Reachability {
        Reachability::Unreachable("nobody is there".into())
    }

    fn ask(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<Response, RemoteError>> {
        future::ready(Err(RemoteError::Unreachable("nobody is there".into()))).boxed()
    }
}

/// Looks at what it is asked for, and does nothing.
struct Operator {
    groups: Groups,
}

impl Operations for Operator {
    fn status(&self) -> StatusResponse {
        StatusResponse { groups: self.groups.statuses(), ..StatusResponse::default() }
    }

    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>> {
        assert!(self.groups.find(&swap.group).is_ok(), "of a group that exists");
        assert!(swap.component.is_none_or(|bytes| bytes.len() <= LONGEST_COMPONENT));
        future::ready(Ok(PolicySwapped { entries: 0, took: Duration::ZERO })).boxed()
    }

    fn try_policy(
        &self,
        _trial: PolicyTrial,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<TrialNews>, Error>> {
        future::ready(Err(Error::Stopping)).boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Error>> {
        future::ready(Ok(Reloaded::default())).boxed()
    }

    fn start_shadow(&self, start: ShadowStart) -> BoxFuture<'_, Result<(), Error>> {
        assert!(self.groups.find(&start.group).is_ok(), "of a group that exists");
        future::ready(Ok(())).boxed()
    }

    fn shadows(&self) -> Vec<GroupShadow> {
        Vec::new()
    }

    fn stop_shadow(&self, _group: &str) -> bool {
        false
    }
}

/// What it answers stands in the key.
struct Source;

impl Retriever for Source {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            let value = |length| Ok(Some(Fetched::new(Bytes::from(vec![7; length]), None)));
            match key {
                "missing" => Ok(None),
                "down" => Err(FetchError::Unavailable("connection refused".into())),
                "forbidden" => Err(FetchError::Rejected("no such user".into())),
                "unusable" => Err(FetchError::BadValue("a row of two columns".into())),
                "late" => Err(FetchError::Timeout(timeout)),
                "broken" => Err(FetchError::Broken("it trapped".into())),
                // Unwinds like a panic. Without the message that libFuzzer would stop at.
                "panics" => std::panic::resume_unwind(Box::new("scripted")),
                "never" => future::pending().await,
                "large" => value(LONGEST_VALUE as usize),
                "larger" => value(LONGEST_VALUE as usize + 1),
                "slow" => {
                    for _ in 0..4 {
                        tokio::task::yield_now().await;
                    }
                    value(100)
                }
                _ => value(key.len()),
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "source"
    }
}

/// Nobody asks for metrics here.
fn nothing() -> NodeReading {
    NodeReading {
        groups: Vec::new(),
        shadows: Vec::new(),
        peers: Vec::new(),
        ring_nodes: 1,
        ring_version: 1,
        registry_connected: true,
        state: "holds",
        ignored_keys: 0,
        traces_dropped: 0,
        redis_connections: 0,
        audited: Vec::new(),
        connections: Default::default(),
        certificates: None,
    }
}
