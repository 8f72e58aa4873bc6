//! Changes from all nodes at once over real connections that are killed at random.
//! Nodes, sockets and the proxies between them are real; the source is a table that
//! this test can look into.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use psycache::config::{self, Config};
use psycache::error::Error;
use psycache::group::Group;
use psycache::node::Node;
use psycache::retriever::{FetchError, Fetched, Retriever};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::patience::{PATIENCE, seen};

const OPERATIONS: u64 = 10_000;
const WORKERS: u64 = 16;
const NODES: usize = 3;

/// All of these must have been killed in the end, or the test shows nothing.
const LEAST_KILLS: u64 = 20;

/// How long one attempt at a change may take.
const WITHIN: Duration = Duration::from_secs(2);

/// A proxy in front of a node that does not listen yet.
struct Proxy {
    address: SocketAddr,
    backend: watch::Sender<Option<SocketAddr>>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let (backend, known) = watch::channel(None::<SocketAddr>);
        let connections = Arc::new(Mutex::new(Vec::new()));
        let mut accepting = JoinSet::new();
        let open = Arc::clone(&connections);
        accepting.spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut known = known.clone();
                let passing = tokio::spawn(async move {
                    let backend = known.wait_for(Option::is_some).await.ok().and_then(|b| *b);
                    let Some(backend) = backend else { return };
                    if let Ok(mut to) = TcpStream::connect(backend).await {
                        // However it ends, both ends are closed.
                        let _ = copy_bidirectional(&mut from, &mut to).await;
                    }
                });
                open.lock().push(passing.abort_handle());
            }
        });
        Self { address, backend, connections, _accepting: accepting }
    }

    /// Kills what passes through; answers how many connections that were.
    fn kill(&self) -> u64 {
        let connections = std::mem::take(&mut *self.connections.lock());
        let open = connections.iter().filter(|passing| !passing.is_finished()).count();
        connections.iter().for_each(AbortHandle::abort);
        open as u64
    }
}

/// The latest version of each key, for all nodes.
#[derive(Default)]
struct Table(Mutex<BTreeMap<String, u64>>);

impl Retriever for Table {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            let version = self.0.lock().get(key).copied().unwrap_or(0);
            // Others may change it before it arrives.
            tokio::task::yield_now().await;
            Ok(Some(Fetched::new(version.to_string(), None)))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "table"
    }
}

struct Nodes {
    proxies: Vec<Proxy>,
    nodes: Vec<Node>,
    table: Arc<Table>,
}

impl Nodes {
    async fn start() -> Self {
        let proxies = join_all((0..NODES).map(|_| Proxy::start())).await;
        let addresses: Vec<String> =
            proxies.iter().map(|proxy| proxy.address.to_string()).collect();
        let table = Arc::new(Table::default());
        let mut nodes = Vec::new();
        for proxy in &proxies {
            let mut config = Config::default();
            config.listen = "127.0.0.1:0".into();
            config.advertise = Some(proxy.address.to_string());
            config.http = None;
            config.groups = vec![config::Group::new("scores")];
            config.cluster.registry = config::Registry::Static(
                addresses.iter().map(|address| (address.clone(), 1)).collect(),
            );
            let node = Node::start(config).await.expect("it starts");
            proxy.backend.send_replace(Some(node.address()));
            let group = node.groups().find("scores").expect("it has it");
            group.parts().source.replace(Some(Arc::clone(&table) as _));
            nodes.push(node);
        }
        Self { proxies, nodes, table }
    }

    fn group(&self, node: usize) -> &Arc<Group> {
        self.nodes[node].groups().find("scores").expect("it has it")
    }
}

/// One application: changes its own keys, and reads them through every node.
async fn work(nodes: &Nodes, worker: u64, done: &AtomicU64) {
    let mut random = StdRng::seed_from_u64(worker);
    let mut confirmed = BTreeMap::new();
    while done.fetch_add(1, Ordering::Relaxed) < OPERATIONS {
        let key = format!("{worker}-{}", random.random_range(0..4));
        let group = nodes.group(random.random_range(0..NODES));
        if random.random_bool(0.6) {
            read(group, &key, confirmed.get(&key).copied().unwrap_or(0)).await;
            continue;
        }
        let sets = random.random_bool(0.5);
        // As an application does: again, until it is confirmed, perhaps elsewhere.
        let version = seen(async || {
            let version = {
                let mut versions = nodes.table.0.lock();
                let version = versions.entry(key.clone()).or_default();
                *version += 1;
                *version
            };
            let group = nodes.group(random.random_range(0..NODES));
            let made = match sets {
                true => group.set(&key, version.to_string().into(), None, WITHIN).await,
                false => group.remove(&key, WITHIN).await.map(drop),
            };
            match made {
                Ok(()) => Ok(version),
                Err(error @ Error::NotConfirmed { .. }) => Err(format!("{key}: {error}")),
                Err(error) => panic!("{key}: {error}"),
            }
        })
        .await;
        confirmed.insert(key.clone(), version);
        for node in 0..NODES {
            read(nodes.group(node), &key, confirmed[&key]).await;
        }
    }
}

async fn read(group: &Arc<Group>, key: &str, least: u64) {
    let answer = group.get(key, PATIENCE).await.expect("a value");
    let found: u64 = std::str::from_utf8(&answer.value).expect("text").parse().expect("a number");
    let origin = answer.origin;
    assert!(found >= least, "{key} is {found} ({origin:?}) after {least} was confirmed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_node_answers_an_older_value_however_connections_break() {
    let nodes = Nodes::start().await;
    let (done, kills, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let working = async {
        join_all((0..WORKERS).map(|worker| work(&nodes, worker, &done))).await;
        over.store(true, Ordering::Relaxed);
    };
    let killing = async {
        let mut random = StdRng::seed_from_u64(99);
        while !over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(random.random_range(20..200))).await;
            let killed = nodes.proxies[random.random_range(0..NODES)].kill();
            kills.fetch_add(killed, Ordering::Relaxed);
        }
    };
    tokio::join!(working, killing);
    let kills = kills.load(Ordering::Relaxed);
    assert!(kills >= LEAST_KILLS, "only {kills} connections were killed");
}
