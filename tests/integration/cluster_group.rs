//! Groups of several nodes as one cache. Stores, policies and rings are real; the
//! wires between the nodes are the test's, so that it can cut them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::cluster::{Cluster, Owner};
use psycache::error::Error;
use psycache::group::{self, Group};
use psycache::key::ring_hash;
use psycache::membership::registry::{Member, Membership};
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{Bell, Lane, LaneConfig, PolicyConfig};
use psycache::retriever::{FetchError, Fetched, Retriever, SharedRetriever};
use psycache::server::{Groups, LocalNode};
use psycache::store::{self, Store};
use psycache::transport::remote::{Link, Local, Remote, RemoteError, Request, Response};
use psycache::value::Origin;
use tokio::task::JoinSet;

const WITHIN: Duration = Duration::from_secs(5);

/// One table for all nodes, which counts who reads it.
#[derive(Default)]
struct Source {
    rows: Mutex<HashMap<String, String>>,
    loads: AtomicU64,
}

impl Source {
    fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Retriever for Source {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            self.loads.fetch_add(1, Ordering::Relaxed);
            let value = self.rows.lock().get(key).cloned();
            // As a real source it takes a moment, so that callers gather.
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(value.map(|value| Fetched { value: value.into(), ttl: None }))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "table"
    }
}

/// All wires: a node that stands in `hung` never answers, one in `cut` can't be
/// reached.
#[derive(Default)]
struct Wires {
    nodes: Mutex<HashMap<String, Arc<LocalNode>>>,
    cut: Mutex<Vec<String>>,
    hung: Mutex<Vec<String>>,
    /// Gets and look-ups.
    asked: AtomicU64,
}

struct Wire {
    to: String,
    wires: Arc<Wires>,
}

impl Remote for Wire {
    fn address(&self) -> &str {
        &self.to
    }

    fn link(&self) -> Link {
        Link::Connected
    }

    fn ask(
        &self,
        request: Request,
        within: Duration,
    ) -> BoxFuture<'_, Result<Response, RemoteError>> {
        async move {
            if !request.call.must_arrive() {
                self.wires.asked.fetch_add(1, Ordering::Relaxed);
            }
            let unreachable = |why: &str| Err(RemoteError::Unreachable(why.into()));
            if self.wires.cut.lock().contains(&self.to) {
                return unreachable("cut");
            }
            if self.wires.hung.lock().contains(&self.to) {
                tokio::time::sleep(within).await;
                return unreachable("no answer");
            }
            let node = self.wires.nodes.lock().get(&self.to).cloned();
            let answer = node.expect("it was started").answer(request, within).await;
            // What comes over a wire comes from a peer.
            match answer {
                Ok(Response::Value(mut answer)) => {
                    answer.origin = Origin::Peer;
                    Ok(Response::Value(answer))
                }
                answer => answer.map_err(RemoteError::Answered),
            }
        }
        .boxed()
    }
}

struct Node {
    address: String,
    cluster: Arc<Cluster>,
    group: Arc<Group>,
}

struct Nodes {
    source: Arc<Source>,
    wires: Arc<Wires>,
    engines: Arc<Engines>,
    nodes: Vec<Node>,
    /// Greets and pays for all of them.
    touch: JoinSet<()>,
}

impl Nodes {
    async fn start(count: usize) -> Self {
        let engines = Engines::new(&CompileCache::Off).expect("engines can be made");
        let mut nodes = Self {
            source: Arc::default(),
            wires: Arc::default(),
            engines,
            nodes: Vec::new(),
            touch: JoinSet::new(),
        };
        for _ in 0..count {
            nodes.add();
        }
        nodes.agree();
        for node in &nodes.nodes {
            node.cluster.standing().settled().await;
        }
        nodes
    }

    /// Starts a node that is alone until [`agree`](Self::agree).
    fn add(&mut self) {
        self.add_at(format!("node-{}:7400", self.nodes.len()));
    }

    fn add_at(&mut self, address: String) {
        let clock = Clock::monotonic();
        let wires = Arc::clone(&self.wires);
        let dial = move |to: &str| {
            Arc::new(Wire { to: to.into(), wires: Arc::clone(&wires) }) as Arc<dyn Remote>
        };
        let cluster = Arc::new(Cluster::new(&address, clock.clone(), dial));
        let group = self.group(clock, Arc::clone(&cluster));
        let forgets = Arc::clone(&group);
        cluster.standing().on_fall(move || forgets.forget_here());
        let (greets, pays) = (Arc::clone(&cluster), Arc::clone(&cluster));
        self.touch.spawn(async move { greets.keep_in_touch().await });
        self.touch.spawn(async move { pays.pay_debts().await });
        let groups = Groups::new([Arc::clone(&group)]);
        let local = LocalNode::new(groups, Arc::clone(&cluster));
        self.wires.nodes.lock().insert(address.clone(), Arc::new(local));
        self.nodes.push(Node { address, cluster, group });
    }

    fn group(&self, clock: Clock, cluster: Arc<Cluster>) -> Arc<Group> {
        let bell = Bell::new();
        let wake = bell.clone();
        let config = store::Config { capacity_bytes: 8 << 20, max_entries: None };
        let store = Store::new(config, clock.clone(), Box::new(move || wake.ring()));
        let policy = PolicyConfig {
            capacity: 8 << 20,
            max_entries: store.slot_bound(),
            max_victims: 64,
            seed: 1,
            options: Vec::new(),
        };
        let plugin = Plugin::resolve("lru").expect("it is built in");
        let source =
            PolicyComponent::load(&self.engines, plugin, &policy, PolicyLimits::default()).unwrap();
        let lane = LaneConfig::new(policy, clock.clone());
        let lane = Lane::start("scores", source, lane, store.clone(), bell).unwrap();
        let parts = group::Parts {
            store,
            clock,
            lane: Arc::new(lane),
            source: Some(Arc::clone(&self.source) as SharedRetriever).into(),
            cluster,
        };
        Group::new(group::Config::named("scores"), parts).unwrap()
    }

    /// Ends a node without a word, and starts another one at its address.
    fn replace(&mut self, node: usize) {
        self.add_at(self.nodes[node].address.clone());
        self.nodes.swap_remove(node);
    }

    /// All nodes see all nodes.
    fn agree(&self) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        for node in 0..self.nodes.len() {
            self.sees(node, &all);
        }
    }

    fn sees(&self, node: usize, others: &[usize]) {
        let member = |&node: &usize| Member::own(self.nodes[node].address.clone(), 1);
        let nodes = others.iter().map(member).collect();
        let membership = Membership { nodes, connected: true, ..Membership::default() };
        self.nodes[node].cluster.apply(Arc::new(membership));
    }

    fn put(&self, key: &str, value: &str) {
        self.source.rows.lock().insert(key.into(), value.into());
    }

    async fn get(&self, node: usize, key: &str) -> Result<(String, Origin), Error> {
        let answer = self.nodes[node].group.get(key, WITHIN).await?;
        Ok((String::from_utf8(answer.value.to_vec()).expect("text"), answer.origin))
    }

    fn owns(&self, node: usize, key: &str) -> bool {
        matches!(self.nodes[node].cluster.owner(ring_hash(key)), Owner::Local)
    }

    /// A key that this node owns.
    fn key_of(&self, node: usize) -> String {
        let mut keys = (0..).map(|n| format!("key-{n}"));
        keys.find(|key| self.owns(node, key)).expect("it owns some")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_key_is_loaded_once_for_all_nodes() {
    let nodes = Nodes::start(3).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "630");
    let gets = join_all((0..100).map(|n| nodes.get(n % 3, &key))).await;
    assert!(gets.iter().all(|get| get.as_ref().is_ok_and(|(value, _)| value == "630")));
    assert_eq!(nodes.source.loads(), 1);
    assert_eq!(nodes.get(0, &key).await, Ok(("630".into(), Origin::Hit)));
    assert_eq!(nodes.get(1, &key).await, Ok(("630".into(), Origin::Peer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn not_found_from_an_owner_is_an_answer() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    assert_eq!(nodes.get(1, &key).await, Err(Error::NotFound));
    assert_eq!(nodes.get(1, &key).await, Err(Error::NotFound));
    assert_eq!(nodes.source.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_out_of_reach_is_stood_in_for_briefly() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "630");
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    assert_eq!(nodes.get(1, &key).await, Ok(("630".into(), Origin::Loaded)));
    let held = nodes.nodes[1].group.get(&key, WITHIN).await.expect("it is held");
    assert_eq!(held.origin, Origin::Hit);
    assert!(held.ttl.is_some_and(|ttl| ttl <= Duration::from_secs(1)), "{held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_hangs_costs_half_of_the_time() {
    let nodes = Nodes::start(2).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "630");
    nodes.wires.hung.lock().push(nodes.nodes[0].address.clone());
    let within = Duration::from_millis(600);
    let start = Instant::now();
    let answer = nodes.nodes[1].group.get(&key, within).await.expect("in time");
    assert_eq!(answer.origin, Origin::Loaded);
    assert!(start.elapsed() >= within / 2 && start.elapsed() < within, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_reach_every_node() {
    let nodes = Nodes::start(3).await;
    let key = nodes.key_of(0);
    nodes.put(&key, "1");
    // Each node holds a copy: the owner's, and two from when it was out of reach.
    let owner = nodes.nodes[0].address.clone();
    nodes.wires.cut.lock().push(owner);
    for node in [0, 1, 2] {
        assert_eq!(nodes.get(node, &key).await.expect("found").0, "1");
    }
    nodes.wires.cut.lock().clear();

    nodes.put(&key, "2");
    assert_eq!(nodes.nodes[1].group.remove(&key).await, Ok(true));
    for node in [2, 1, 0] {
        assert_eq!(nodes.get(node, &key).await.expect("found").0, "2");
    }
    nodes.nodes[2].group.set(&key, Bytes::from_static(b"3"), None).await.expect("all answer");
    for node in [1, 2, 0] {
        assert_eq!(nodes.get(node, &key).await.expect("found").0, "3");
    }
    let dropped = nodes.nodes[1].group.clear().await.expect("all answer");
    assert_eq!(dropped, 1);
    assert_eq!(nodes.get(1, &key).await.expect("found").0, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_did_not_confirm_is_named() {
    let nodes = Nodes::start(3).await;
    let (own, others) = (nodes.key_of(0), nodes.key_of(2));
    let silent = nodes.nodes[2].address.clone();
    nodes.wires.cut.lock().push(silent.clone());
    let not_confirmed = Error::NotConfirmed { nodes: vec![silent] };
    let group = &nodes.nodes[0].group;
    for key in [&own, &others] {
        assert_eq!(group.remove(key).await, Err(not_confirmed.clone()));
        let set = group.set(key, Bytes::from_static(b"1"), None).await;
        assert_eq!(set, Err(not_confirmed.clone()));
    }
    assert_eq!(group.clear().await, Err(not_confirmed));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_back_from_a_crash_confirms_nothing_yet() {
    let mut nodes = Nodes::start(3).await;
    let not_confirmed = |result: Result<bool, Error>| match result {
        Err(Error::NotConfirmed { nodes }) => nodes,
        other => panic!("{other:?}"),
    };
    nodes.replace(2);
    nodes.sees(2, &[0, 1, 2]);
    let back = nodes.nodes[2].address.clone();
    assert_eq!(not_confirmed(nodes.nodes[0].group.remove("Tom").await), [back]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joins_asks_the_owner_before_it() {
    let mut nodes = Nodes::start(3).await;
    let keys: Vec<String> = (0..400).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, key);
        nodes.get(0, key).await.expect("found");
    }
    assert_eq!(nodes.source.loads(), 400);
    nodes.add();
    nodes.agree();
    nodes.nodes[3].cluster.standing().settled().await;
    let moved = keys.iter().filter(|key| nodes.owns(3, key)).count();
    assert!(moved > 50, "{moved} keys moved");
    for key in &keys {
        assert_eq!(nodes.get(1, key).await.expect("found").0, *key);
    }
    assert_eq!(nodes.source.loads(), 400, "nothing was loaded anew");

    // What was removed is not brought back from the previous owner, even if that
    // one was not told.
    let key = keys.iter().find(|key| nodes.owns(3, key)).expect("some moved");
    nodes.put(key, "new");
    let previous: Vec<String> = nodes.nodes[..3].iter().map(|node| node.address.clone()).collect();
    *nodes.wires.cut.lock() = previous;
    assert!(nodes.nodes[3].group.remove(key).await.is_err(), "three did not answer");
    nodes.wires.cut.lock().clear();
    assert_eq!(nodes.get(3, key).await.expect("found").0, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_hands_its_entries_to_their_next_owners() {
    let nodes = Nodes::start(3).await;
    let keys: Vec<String> = (0..300).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, key);
        nodes.get(1, key).await.expect("found");
    }
    let own: Vec<&String> = keys.iter().filter(|key| nodes.owns(0, key)).collect();
    assert!(own.len() > 50, "{} keys", own.len());
    let heirs = nodes.nodes[0].cluster.heirs().expect("two are left");
    for node in [1, 2] {
        nodes.sees(node, &[1, 2]);
    }
    // Removed while the node that leaves can't be told of it.
    let removed = own[0];
    nodes.put(removed, "new");
    nodes.wires.cut.lock().push(nodes.nodes[0].address.clone());
    assert!(nodes.nodes[1].group.remove(removed).await.is_err(), "one did not answer");

    let handed = nodes.nodes[0].group.hand_off(&heirs, WITHIN).await;
    assert_eq!(handed.sent, own.len() as u64);
    // Keys that share a mark with the removed one may be taken for it.
    assert!(handed.kept < handed.sent && handed.kept + 5 > handed.sent, "{handed:?}");
    let before = nodes.source.loads();
    for key in own.iter().skip(1) {
        assert_eq!(nodes.get(1, key).await.expect("found").0, **key);
    }
    assert_eq!(nodes.source.loads() - before, handed.sent - 1 - handed.kept);
    assert_eq!(nodes.get(2, removed).await.expect("found").0, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn handing_off_ends_in_time() {
    let nodes = Nodes::start(2).await;
    let own: Vec<String> =
        (0..).map(|n| format!("user:{n}")).filter(|key| nodes.owns(0, key)).take(400).collect();
    for key in &own {
        nodes.put(key, key);
        nodes.get(0, key).await.expect("found");
    }
    let heirs = nodes.nodes[0].cluster.heirs().expect("one is left");
    let none = nodes.nodes[0].group.hand_off(&heirs, Duration::ZERO).await;
    assert_eq!(none.sent, 0, "no time, no entry");
    nodes.wires.hung.lock().push(nodes.nodes[1].address.clone());
    let start = Instant::now();
    let within = Duration::from_millis(300);
    let none = nodes.nodes[0].group.hand_off(&heirs, within).await;
    assert_eq!(none.kept, 0);
    assert!(start.elapsed() >= within, "it was waited for, and then no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_disagree_ask_no_further() {
    let nodes = Nodes::start(3).await;
    // Each takes another for the owner of everything but its own share.
    nodes.sees(0, &[0, 1]);
    nodes.sees(1, &[1, 2]);
    nodes.sees(2, &[2, 0]);
    let keys: Vec<String> = (0..300).map(|n| format!("user:{n}")).collect();
    for key in &keys {
        nodes.put(key, "1");
    }
    let before = nodes.wires.asked.load(Ordering::Relaxed);
    let gets = keys.iter().flat_map(|key| (0..3).map(move |node| (node, key)));
    let gets = gets.map(|(node, key)| {
        let nodes = &nodes;
        async move {
            let forwarded = !nodes.owns(node, key);
            (nodes.get(node, key).await.map(|(value, _)| value), u64::from(forwarded))
        }
    });
    let answers = tokio::time::timeout(Duration::from_secs(30), join_all(gets)).await;
    let answers = answers.expect("nothing waits for itself");
    assert!(answers.iter().all(|(value, _)| value.as_deref() == Ok("1")));
    let forwarded: u64 = answers.iter().map(|(_, forwarded)| forwarded).sum();
    let asked = nodes.wires.asked.load(Ordering::Relaxed) - before;
    // A node may also look up, at up to two owners from before, what it loads.
    let looked_up = 2 * nodes.source.loads();
    assert!(asked <= forwarded + looked_up, "{asked} of {forwarded} + {looked_up}");
}
