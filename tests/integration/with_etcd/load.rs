//! A cluster of real processes, and requests that do not stop while it changes.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use psycache::client::{Client, Config};
use psycache::membership::registry::etcd;
use psycache::proto::StatusRequest;
use psycache::proto::StatusResponse;
use psycache::proto::admin_client::AdminClient;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::server::Etcd;
use crate::harness::ServedNode;

pub(super) const GROUP: &str = "default";

/// Keys that the source knows.
pub(super) const KEYS: usize = 2_000;

/// How long a caller waits.
pub(super) const DEADLINE: Duration = Duration::from_secs(4);

/// How long a phase under load lasts: a moment, or as long as
/// `PSYCACHE_LOAD_SECONDS` says.
pub(super) fn phase() -> Duration {
    let told = std::env::var("PSYCACHE_LOAD_SECONDS").ok();
    let told = told.map(|text| text.parse().expect("PSYCACHE_LOAD_SECONDS is a number"));
    told.map_or(Duration::from_millis(700), Duration::from_secs_f64)
}

pub(super) fn key(number: usize) -> String {
    format!("user:{number}")
}

fn value(key: &str) -> String {
    format!("value of {key}")
}

/// etcd, and nodes with one table as their source.
pub(super) struct Cluster {
    pub(super) etcd: Etcd,
    pub(super) nodes: Vec<ServedNode>,
    folder: TempDir,
}

impl Cluster {
    pub(super) async fn start(count: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut table = String::from("key,value\n");
        for key in (0..KEYS).map(key) {
            writeln!(table, "{key},{}", value(&key)).expect("a string takes it");
        }
        std::fs::write(folder.path().join("table.csv"), table).expect("it can be written");
        let mut cluster = Self { etcd: Etcd::start().await, nodes: Vec::new(), folder };
        for _ in 0..count {
            cluster.add();
        }
        cluster.agrees().await;
        cluster
    }

    /// Starts one more node.
    pub(super) fn add(&mut self) {
        self.add_at("127.0.0.1:0");
    }

    /// Starts one more node at an address.
    pub(super) fn add_at(&mut self, listen: &str) {
        let data = format!("data=@{}", self.folder.path().join("table.csv").display());
        let url = self.etcd.url();
        let args = [
            "--ttl",
            "none",
            "--retriever",
            "static",
            "--retriever-opt",
            &data,
            "--retriever-opt",
            "latency-ms=2",
            "--etcd",
            &url,
            "--lease-ttl",
            "2s",
        ];
        self.nodes.push(ServedNode::start_at(listen, &args));
    }

    /// Waits until every node has all nodes in its ring and is in touch with them
    /// and with etcd.
    pub(super) async fn agrees(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let count = self.nodes.len();
        for node in &self.nodes {
            loop {
                let status = status(node).await;
                let up = status.nodes.iter().all(|n| matches!(&*n.state, "self" | "connected"));
                let connected = status.registry.is_some_and(|registry| registry.connected);
                if status.nodes.len() == count && up && connected {
                    break;
                }
                assert!(Instant::now() < deadline, "not {count} nodes: {:?}", status.nodes);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// What all nodes have loaded from the source.
    pub(super) async fn loads(&self) -> u64 {
        let mut loads = 0;
        for node in &self.nodes {
            loads += status(node).await.groups[0].loads;
        }
        loads
    }

    /// A client that follows the nodes in etcd.
    pub(super) async fn client(&self) -> Client {
        let etcd = etcd::Config { endpoints: vec![self.etcd.url()], ..etcd::Config::default() };
        connect(Config::etcd(etcd)).await
    }

    /// A client of one node, which asks the others where it has to.
    pub(super) async fn client_of(&self, node: usize) -> Client {
        connect(Config::list([self.nodes[node].address()])).await
    }

    /// Reads every key once, each through a node by turns.
    pub(super) async fn warm_up(&self) {
        let mut clients = Vec::new();
        for node in 0..self.nodes.len() {
            clients.push(self.client_of(node).await);
        }
        let mut reads = JoinSet::new();
        for worker in 0..16 {
            let client = clients[worker % clients.len()].clone();
            reads.spawn(async move {
                for number in (worker..KEYS).step_by(16) {
                    client.get(GROUP, &key(number)).await.expect("the source has it");
                }
            });
        }
        reads.join_all().await;
    }
}

async fn connect(config: Config) -> Client {
    Client::connect(Config { timeout: DEADLINE, ..config }).await.expect("it can connect")
}

pub(super) async fn status(node: &ServedNode) -> StatusResponse {
    let url = format!("http://{}", node.address());
    let mut client = AdminClient::connect(url).await.expect("it answers");
    client.status(StatusRequest {}).await.expect("a status").into_inner()
}

/// Reads of random keys by several callers until it is stopped.
pub(super) struct Load {
    seen: Arc<Seen>,
    callers: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    stopped: AtomicBool,
    gets: AtomicU64,
    failures: Mutex<Vec<String>>,
    slowest: Mutex<Duration>,
}

/// What the callers saw.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) gets: u64,
    /// Errors and wrong values.
    pub(super) failures: Vec<String>,
    pub(super) slowest: Duration,
}

impl Load {
    /// Four callers for each of `clients`.
    pub(super) fn start(clients: &[Client]) -> Self {
        let seen = Arc::new(Seen::default());
        let mut callers = JoinSet::new();
        for client in clients.iter().flat_map(|client| std::iter::repeat_n(client, 4)) {
            callers.spawn(call(client.clone(), Arc::clone(&seen)));
        }
        Self { seen, callers }
    }

    /// Waits until a phase is over and callers were answered meanwhile.
    pub(super) async fn lasts(&self) {
        let before = self.seen.gets.load(Ordering::Relaxed);
        let end = Instant::now() + phase();
        while Instant::now() < end || self.seen.gets.load(Ordering::Relaxed) < before + 100 {
            assert!(Instant::now() < end + DEADLINE * 4, "nobody is answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn stop(self) -> Report {
        self.seen.stopped.store(true, Ordering::Relaxed);
        self.callers.join_all().await;
        let seen = &self.seen;
        let report = Report {
            gets: seen.gets.load(Ordering::Relaxed),
            failures: std::mem::take(&mut *seen.failures.lock()),
            slowest: *seen.slowest.lock(),
        };
        eprintln!(
            "{} gets, {} failures, slowest {:?}",
            report.gets,
            report.failures.len(),
            report.slowest
        );
        report
    }
}

async fn call(client: Client, seen: Arc<Seen>) {
    // Bounded, so that a small machine has time left for the nodes.
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !seen.stopped.load(Ordering::Relaxed) {
        pace.tick().await;
        let key = key(rand::random_range(0..KEYS));
        let start = Instant::now();
        let problem = match client.get(GROUP, &key).await {
            Ok(answer) if answer.value == value(&key) => None,
            Ok(answer) => Some(format!("{key} is {:?}", answer.value)),
            Err(error) => Some(format!("{key}: {error}")),
        };
        seen.failures.lock().extend(problem);
        let took = start.elapsed();
        let mut slowest = seen.slowest.lock();
        *slowest = took.max(*slowest);
        seen.gets.fetch_add(1, Ordering::Relaxed);
    }
}
