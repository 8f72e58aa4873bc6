//! A real server on a port of its own, in front of groups with real policies, and
//! a real client. Only the data source is the test's.

mod admin;
mod calls;
mod client;
mod compression;
mod drain;
mod errors;
pub(crate) mod http;
mod limits;
mod services;
mod session;
mod source;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{self, BoxFuture, FutureExt};
use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::error::Error;
use psycache::group::{self, Group, GroupConfig};
use psycache::ownership::Ownership;
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{PolicyConfig, Waker, Worker, WorkerConfig};
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, GetResponse, StatusResponse};
use psycache::server::{
    GroupShadow, Groups, Health, Listeners, Operations, PolicySwap, PolicySwapped, PolicyTrial,
    RedisConnections, Reloaded, Security, ServerConfig, Services, ShadowStart, TrialNews, serve,
};
use psycache::store::{Store, StoreConfig};
use psycache::telemetry::{Metrics, NodeReading};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::{ErrorInfo, StatusExt};

pub(crate) use http::page;
pub(crate) use source::Load;
use source::Source;

const CAPACITY: u64 = 1 << 20;

/// A server with the groups `scores`, which has a source, and `notes`, which has
/// none.
pub(crate) struct Served {
    grpc: SocketAddr,
    http: SocketAddr,
    pub(crate) redis: SocketAddr,
    channel: Channel,
    /// Loads of the keys that begin with `slow`, each to be ended by the test.
    pub(crate) loads: mpsc::UnboundedReceiver<Load>,
    operations: Arc<Operator>,
    health: Arc<Health>,
    /// Begins the shutdown.
    stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
}

/// Does nothing but note what it was asked.
struct Operator {
    groups: Groups,
    swaps: Mutex<Vec<PolicySwap>>,
    shadows: Mutex<Vec<ShadowStart>>,
}

impl Operations for Operator {
    fn status(&self) -> StatusResponse {
        StatusResponse {
            version: "1.2.3".into(),
            groups: self.groups.statuses(),
            ..StatusResponse::default()
        }
    }

    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>> {
        self.swaps.lock().push(swap);
        let took = std::time::Duration::from_millis(7);
        async move { Ok(PolicySwapped { entries: 3, took }) }.boxed()
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
        self.shadows.lock().push(start);
        future::ready(Ok(())).boxed()
    }

    fn shadows(&self) -> Vec<GroupShadow> {
        Vec::new()
    }

    fn stop_shadow(&self, _group: &str) -> bool {
        false
    }
}

/// The policy of every group here, compiled once.
static LRU: LazyLock<Arc<PolicyComponent>> = LazyLock::new(|| {
    let engines = Engines::new(&CompileCache::Off).expect("engines can be made");
    let plugin = Plugin::resolve("lru").expect("it is built in");
    let trial = policy(1000);
    PolicyComponent::load(&engines, plugin, &trial, PolicyLimits::default()).expect("it loads")
});

fn policy(max_entries: u32) -> PolicyConfig {
    PolicyConfig::new(CAPACITY, max_entries)
}

fn group(name: &str, source: Option<Source>) -> Arc<Group> {
    let clock = Clock::monotonic();
    let waker = Waker::new();
    let wake = waker.clone();
    let config = StoreConfig::new(CAPACITY, None);
    let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
    let worker = WorkerConfig::new(policy(store.slot_bound()), clock.clone());
    let worker = Worker::start(name, LRU.clone(), worker, store.clone(), waker).unwrap();
    let parts = group::Parts {
        store,
        clock,
        worker: Arc::new(worker),
        source: source.map(|source| Arc::new(source) as _).into(),
        ownership: Arc::new(Ownership::alone()),
    };
    let mut config = GroupConfig::named(name);
    // A load is given up because nobody waits for it, not because its time is over.
    config.load_timeout = Duration::from_secs(3600);
    Group::new(config, parts).unwrap()
}

pub(crate) async fn served() -> Served {
    served_with(ServerConfig::default()).await
}

/// A server that is ready.
pub(crate) async fn served_with(config: ServerConfig) -> Served {
    let served = starting(config).await;
    served.health.ready();
    served
}

async fn starting(config: ServerConfig) -> Served {
    let (source, loads) = Source::new();
    let groups = Groups::new([group("scores", Some(source)), group("notes", None)]);
    let listener = || TcpListener::bind("127.0.0.1:0");
    let (grpc_listener, http_listener) = (listener().await.unwrap(), listener().await.unwrap());
    let (grpc, http) = (grpc_listener.local_addr().unwrap(), http_listener.local_addr().unwrap());
    let redis_listener = listener().await.unwrap();
    let redis = redis_listener.local_addr().unwrap();
    let listeners = Listeners {
        grpc: grpc_listener,
        peer: None,
        http: Some(http_listener),
        redis: Some(redis_listener),
    };
    let operations = Arc::new(Operator {
        groups: groups.clone(),
        swaps: Mutex::default(),
        shadows: Mutex::default(),
    });
    let health = Arc::new(Health::starting(&groups));
    let read = groups.clone();
    let redis_connections = Arc::<RedisConnections>::default();
    let counted = Arc::clone(&redis_connections);
    let metrics = Metrics::new(move || NodeReading {
        groups: read.readings(),
        shadows: Vec::new(),
        peers: Vec::new(),
        ring_nodes: 1,
        ring_version: 1,
        registry_connected: true,
        state: "holds",
        ignored_keys: 0,
        traces_dropped: 0,
        redis_connections: counted.count(),
        audited: Vec::new(),
        connections: Default::default(),
        certificates: None,
    });
    let services = Services {
        groups,
        local: None,
        operations: operations.clone(),
        metrics: Arc::new(metrics),
        health: health.clone(),
        redis_connections,
        connections: Arc::default(),
        security: Security::default(),
    };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(config, listeners, services, async { drop(stopped.await) }));
    let channel = Channel::from_shared(format!("http://{grpc}")).unwrap().connect().await.unwrap();
    let stop = Some(stop);
    Served { grpc, http, redis, channel, loads, operations, health, stop, serving }
}

impl Served {
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    fn client(&self) -> CacheClient<Channel> {
        CacheClient::new(self.channel.clone())
    }

    async fn get(&self, key: &'static str) -> Result<GetResponse, Status> {
        let answer = self.client().get(get("scores", key)).await;
        answer.map(tonic::Response::into_inner)
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("it was not stopped yet").send(()).expect("it serves");
    }
}

fn get(group: &'static str, key: &'static str) -> GetRequest {
    GetRequest { group: group.into(), key: Bytes::from_static(key.as_bytes()), may_lend: false }
}

/// The ErrorInfo of a status; every error of ours has one.
fn info(status: &Status) -> ErrorInfo {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "psycache");
    info.clone()
}
