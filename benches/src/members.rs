//! What the size of a cluster costs its registry and its network: requests and bytes of idle
//! nodes, of one that joins, and of one that leaves.
//!
//! All nodes are in this process: the real registration and the real right to hold keys, over
//! a registry and a network that count.

#![allow(clippy::disallowed_methods, reason = "what is idle is waited for by the clock")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::membership::registry::{
    Change, InMemory, Lease, Listing, Registered, Registry, RegistryAnswer, Watch,
};
use psycache::membership::rendezvous::{Ring, RingNode};
use psycache::membership::view::{Entry, Name};
use psycache::ownership::{Ownership, Registration, Timing};
use psycache::transport::peer::request_bytes;
use psycache::transport::remote::{Reachability, Remote, RemoteError, Request, Response};

use crate::Settings;
use crate::report::Figure;

const SIZES: [usize; 3] = [3, 16, 64];

/// The lease of a node by default.
const LEASE: Duration = Duration::from_secs(5);

/// Each size, one after the other.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let sizes = if settings.quick { &SIZES[..2] } else { &SIZES };
    let mut figures = Vec::new();
    for size in sizes {
        figures.extend(runtime.block_on(costs(*size))?);
    }
    Ok(figures)
}

/// What is sent.
#[derive(Default)]
struct Counts {
    /// Requests to the registry.
    asked: AtomicU64,
    /// Changes that the registry sends to nodes that watch it.
    told: AtomicU64,
    /// Requests between nodes.
    messages: AtomicU64,
    /// Their bytes.
    bytes: AtomicU64,
}

impl Counts {
    fn now(&self) -> [u64; 4] {
        [&self.asked, &self.told, &self.messages, &self.bytes]
            .map(|count| count.load(Ordering::Relaxed))
    }
}

async fn costs(size: usize) -> Result<Vec<Figure>> {
    let cluster = Cluster::default();
    let starting = (0..size).map(|number| cluster.start(number));
    let members: Vec<Member> = join_all(starting).await.into_iter().collect::<Result<_>>()?;
    join_all(members.iter().map(Member::joined)).await;
    let started = cluster.counts.now();
    let mut figures = Vec::new();
    let mut note = |case: &str, [asked, told, messages, bytes]: [u64; 4], per: f64| {
        let parts = [
            ("requests to the registry", asked),
            ("changes from the registry", told),
            ("messages between nodes", messages),
            ("bytes between nodes", bytes),
        ];
        figures.extend(parts.map(|(what, count)| Figure {
            bench: "members",
            case: format!("{case}, {what}"),
            subject: format!("{size} nodes"),
            value: count as f64 / per,
            unit: "",
        }));
    };
    note("all start at once, a node", started, size as f64);

    const SECONDS: u64 = 20;
    let before = cluster.counts.now();
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    note("all idle, a second", since(before, cluster.counts.now()), SECONDS as f64);

    let before = cluster.counts.now();
    let newcomer = cluster.start(size).await?;
    newcomer.joined().await;
    note("one joins", since(before, cluster.counts.now()), 1.0);

    let before = cluster.counts.now();
    newcomer.leave().await;
    join_all(members.iter().map(|member| member.sees(size))).await;
    note("one leaves", since(before, cluster.counts.now()), 1.0);

    members.into_iter().for_each(Member::end);
    Ok(figures)
}

fn since(before: [u64; 4], after: [u64; 4]) -> [u64; 4] {
    std::array::from_fn(|at| after[at] - before[at])
}

/// Rings that were made before, by their nodes.
type Rings = HashMap<Vec<RingNode>, Ring>;

/// Nodes by address, and what lies between them.
#[derive(Clone)]
struct Cluster {
    registry: InMemory,
    counts: Arc<Counts>,
    nodes: Arc<Mutex<HashMap<String, Arc<Ownership>>>>,
    rings: Arc<Mutex<Rings>>,
}

impl Default for Cluster {
    fn default() -> Self {
        let (registry, counts) = (InMemory::new(), Arc::default());
        Self { registry, counts, nodes: Arc::default(), rings: Arc::default() }
    }
}

struct Member {
    ownership: Arc<Ownership>,
    registration: Registration,
    certain: tokio::task::JoinHandle<()>,
}

impl Cluster {
    async fn start(&self, number: usize) -> Result<Member> {
        let address = format!("10.0.{}.{}:7400", number / 250, number % 250);
        let own = Entry::own(&address, 1);
        let network = self.clone();
        let dial = move |to: &str| {
            Arc::new(Wire { to: to.into(), network: network.clone() }) as Arc<dyn Remote>
        };
        let ownership = Ownership::new(own.clone(), Timing::of(LEASE), Clock::monotonic(), dial);
        let rings = Arc::clone(&self.rings);
        let ownership = Arc::new(ownership.with_rings(move |nodes| {
            let mut rings = rings.lock();
            if rings.len() > 1_024 {
                rings.clear();
            }
            rings.entry(nodes).or_insert_with_key(|nodes| Ring::new(nodes.clone())).clone()
        }));
        self.nodes.lock().insert(address, Arc::clone(&ownership));
        let (registry, counts) = (self.registry.clone(), Arc::clone(&self.counts));
        let registry = Arc::new(Counted { registry, counts });
        let registration = Registration::start(Arc::clone(&ownership), registry, own)
            .await
            .context("a node can't register")?;
        let keeping = Arc::clone(&ownership);
        let certain = tokio::spawn(async move { keeping.keep_certain().await });
        Ok(Member { ownership, registration, certain })
    }
}

impl Member {
    async fn joined(&self) {
        self.until(Ownership::has_joined).await;
    }

    async fn sees(&self, count: usize) {
        self.until(|ownership| ownership.others().len() + 1 == count).await;
    }

    async fn until(&self, wanted: impl Fn(&Ownership) -> bool) {
        let mut changes = self.ownership.changes();
        while !wanted(&self.ownership) {
            changes.changed().await;
        }
    }

    async fn leave(self) {
        self.ownership.leave();
        self.registration.leave().await;
        self.certain.abort();
    }

    fn end(self) {
        self.certain.abort();
    }
}

/// A connection from one node to another.
struct Wire {
    to: String,
    network: Cluster,
}

impl Remote for Wire {
    fn address(&self) -> &str {
        &self.to
    }

    fn reachability(&self) -> Reachability {
        Reachability::Connected
    }

    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>> {
        async move {
            let counts = &self.network.counts;
            counts.messages.fetch_add(1, Ordering::Relaxed);
            counts.bytes.fetch_add(request_bytes(request.clone()), Ordering::Relaxed);
            let callee = self.network.nodes.lock().get(&self.to).cloned();
            let nobody = || RemoteError::Unreachable("nobody is there".into());
            let callee = callee.ok_or_else(nobody)?;
            callee.answer(request.call, within).await.map_err(RemoteError::Answered)
        }
        .boxed()
    }
}

/// A registry that counts what it is asked.
struct Counted {
    registry: InMemory,
    counts: Arc<Counts>,
}

impl Counted {
    fn asked(&self) -> &InMemory {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        &self.registry
    }
}

impl Registry for Counted {
    fn grant(&self, ttl: Duration) -> RegistryAnswer<'_, Lease> {
        self.asked().grant(ttl)
    }

    fn keep_alive(&self, lease: Lease) -> RegistryAnswer<'_, bool> {
        self.asked().keep_alive(lease)
    }

    fn time_to_live(&self, cluster: u64, id: i64) -> RegistryAnswer<'_, Option<Duration>> {
        self.asked().time_to_live(cluster, id)
    }

    fn revoke(&self, lease: i64) -> RegistryAnswer<'_, ()> {
        self.asked().revoke(lease)
    }

    fn register<'a>(
        &'a self,
        entry: &'a Entry,
        short: i64,
        long: i64,
    ) -> RegistryAnswer<'a, Registered> {
        self.asked().register(entry, short, long)
    }

    fn list(&self) -> RegistryAnswer<'_, Listing> {
        self.asked().list()
    }

    fn note_joined<'a>(
        &'a self,
        address: &'a str,
        name: Name,
        lease: Lease,
    ) -> RegistryAnswer<'a, ()> {
        self.asked().note_joined(address, name, lease)
    }

    fn watch(&self, cluster: u64, revision: i64) -> RegistryAnswer<'_, Box<dyn Watch>> {
        async move {
            let watch = self.asked().watch(cluster, revision).await?;
            Ok(Box::new(CountedWatch { watch, counts: Arc::clone(&self.counts) }) as Box<dyn Watch>)
        }
        .boxed()
    }

    fn warning(&self) -> RegistryAnswer<'_, Option<String>> {
        self.asked().warning()
    }
}

struct CountedWatch {
    watch: Box<dyn Watch>,
    counts: Arc<Counts>,
}

impl Watch for CountedWatch {
    fn next(&mut self) -> RegistryAnswer<'_, Vec<Change>> {
        async move {
            let changes = self.watch.next().await?;
            self.counts.told.fetch_add(changes.len() as u64, Ordering::Relaxed);
            Ok(changes)
        }
        .boxed()
    }
}
