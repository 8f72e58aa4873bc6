//! The nodes of a test, their one source, and the wires between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::error::Error;
use psycache::group::{self, Group, GroupConfig};
use psycache::key::ring_hash;
use psycache::membership::registry::InMemory;
use psycache::membership::rendezvous::RingNode;
use psycache::membership::view::{Entry, Name};
use psycache::ownership::{Owner, Ownership, Registration, Timing};
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::{PolicyConfig, Waker, Worker, WorkerConfig};
use psycache::retriever::{FetchError, Fetched, Retriever, SharedRetriever};
use psycache::server::{Groups, LocalNode};
use psycache::store::{Store, StoreConfig};
use psycache::transport::remote::{
    Local, PeerCall, Reachability, Remote, RemoteError, Request, Response,
};
use psycache::value::Origin;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Far more than anything here takes on a busy machine.
pub(super) const WITHIN: Duration = Duration::from_secs(30);

/// One table for all nodes, which counts who reads it.
pub(super) struct Source {
    rows: Mutex<HashMap<String, String>>,
    /// Loads that have read their row.
    loads: watch::Sender<u64>,
    /// Answers wait while this is `false`.
    pub(super) open: watch::Sender<bool>,
}

impl Source {
    fn new() -> Self {
        Self {
            rows: Mutex::default(),
            loads: watch::Sender::new(0),
            open: watch::Sender::new(true),
        }
    }

    pub(super) fn loads(&self) -> u64 {
        *self.loads.borrow()
    }

    /// Returns when this many loads have read their row.
    pub(super) async fn has_loaded(&self, count: u64) {
        let mut loads = self.loads.subscribe();
        let loaded = tokio::time::timeout(WITHIN, loads.wait_for(|loads| *loads >= count)).await;
        loaded.expect("it is loaded").expect("the source is there");
    }
}

impl Retriever for Source {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            let value = self.rows.lock().get(key).cloned();
            self.loads.send_modify(|loads| *loads += 1);
            let mut open = self.open.subscribe();
            open.wait_for(|open| *open).await.expect("the source is there");
            Ok(value.map(|value| Fetched::new(value, None)))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "table"
    }
}

/// One message, and what it hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) method: &'static str,
    pub(super) handed: Vec<Bytes>,
    /// Whether the callee has done what it was asked.
    pub(super) done: bool,
}

/// All wires: messages to a node that stands in `hung` are never answered, those to one
/// in `cut` do not go out.
pub(super) struct Wires {
    nodes: Mutex<HashMap<String, Arc<LocalNode>>>,
    pub(super) cut: Mutex<Vec<String>>,
    pub(super) hung: Mutex<Vec<String>>,
    /// Nodes that live and have not answered when the caller's time is over.
    pub(super) late: Mutex<Vec<String>>,
    /// Everything that was asked.
    messages: watch::Sender<Vec<Message>>,
}

impl Wires {
    fn new() -> Self {
        Self {
            nodes: Mutex::default(),
            cut: Mutex::default(),
            hung: Mutex::default(),
            late: Mutex::default(),
            messages: watch::Sender::new(Vec::new()),
        }
    }

    /// What was asked since the last call of this.
    pub(super) fn messages(&self) -> Vec<Message> {
        let mut all = Vec::new();
        self.messages.send_modify(|messages| all = std::mem::take(messages));
        all
    }

    /// Returns when a message of this method has been done.
    pub(super) async fn has_done(&self, method: &str) {
        let mut messages = self.messages.subscribe();
        let is_done = |messages: &Vec<Message>| {
            messages.iter().any(|message| message.done && message.method == method)
        };
        let done = tokio::time::timeout(WITHIN, messages.wait_for(is_done)).await;
        drop(done.unwrap_or_else(|_| panic!("no {method} is done")).expect("the wires are there"));
    }

    fn note(&self, message: Message) {
        self.messages.send_modify(|messages| messages.push(message));
    }
}

struct Wire {
    from: String,
    to: String,
    wires: Arc<Wires>,
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
            let handed = match &request.call {
                PeerCall::Handover { entries, .. } => {
                    entries.iter().map(|e| e.key.clone()).collect()
                }
                _ => Vec::new(),
            };
            let (from, to, method) = (self.from.clone(), self.to.clone(), request.call.method());
            let message = Message { from, to, method, handed, done: false };
            self.wires.note(message.clone());
            let unreachable = |why: &str| Err(RemoteError::Unreachable(why.into()));
            if self.wires.cut.lock().contains(&self.to) {
                return unreachable("cut");
            }
            if self.wires.late.lock().contains(&self.to) {
                return Err(RemoteError::Late);
            }
            if self.wires.hung.lock().contains(&self.to) {
                tokio::time::sleep(within).await;
                return unreachable("no answer");
            }
            let node = self.wires.nodes.lock().get(&self.to).cloned();
            let node = node.expect("it was started");
            // As a stream between nodes does.
            let answer = match node.answer_from_memory(&request) {
                Some(answer) => answer,
                None => node.answer(request, within).await,
            };
            match answer {
                // What comes over a wire comes from a peer.
                Ok(Response::Value { mut answer, lent_ms }) => {
                    answer.origin = Origin::Peer;
                    Ok(Response::Value { answer, lent_ms })
                }
                Ok(done @ Response::Done { .. }) => {
                    self.wires.note(Message { done: true, ..message });
                    Ok(done)
                }
                answer => answer.map_err(RemoteError::Answered),
            }
        }
        .boxed()
    }
}

pub(super) struct Node {
    pub(super) address: String,
    pub(super) ownership: Arc<Ownership>,
    pub(super) group: Arc<Group>,
    /// `None`: it has a list, or has left.
    registration: Option<Registration>,
    /// Keeps it certain, until it crashes.
    _certain: JoinSet<()>,
}

pub(super) struct Nodes {
    pub(super) source: Arc<Source>,
    pub(super) wires: Arc<Wires>,
    pub(super) nodes: Vec<Node>,
    timing: Timing,
    register: InMemory,
    clock: Clock,
    engines: Arc<Engines>,
}

impl Nodes {
    /// Starts nodes that have all joined.
    pub(super) async fn start(count: usize) -> Self {
        Self::start_with(count, Timing::default()).await
    }

    pub(super) async fn start_with(count: usize, timing: Timing) -> Self {
        let mut nodes = Self::none(timing);
        for _ in 0..count {
            nodes.add().await;
        }
        nodes
    }

    /// Starts nodes with lists, which need not be the same.
    pub(super) fn with_lists(lists: &[&[usize]]) -> Self {
        let mut nodes = Self::none(Timing::default());
        for list in lists {
            let ownership = nodes.make();
            let listed = |node: &usize| RingNode { address: address(*node).into(), weight: 1 };
            ownership.follow_list(list.iter().map(listed).collect());
        }
        nodes
    }

    fn none(timing: Timing) -> Self {
        let clock = Clock::monotonic();
        Self {
            source: Arc::new(Source::new()),
            wires: Arc::new(Wires::new()),
            nodes: Vec::new(),
            timing,
            register: InMemory::with_clock(clock.clone()),
            clock,
            engines: Engines::new(&CompileCache::Off).expect("engines can be made"),
        }
    }

    /// Starts one more, and waits until it holds what it owns.
    pub(super) async fn add(&mut self) {
        let ownership = self.make();
        let registry = Arc::new(self.register.clone());
        let own = Entry::own(ownership.address(), 1);
        let registered = Registration::start(Arc::clone(&ownership), registry, own).await;
        let node = self.nodes.last_mut().expect("it was made");
        node.registration = Some(registered.expect("it can register"));
        let certain = Arc::clone(&ownership);
        node._certain.spawn(async move { certain.keep_certain().await });
        ownership.settled().await;
        assert!(ownership.has_joined(), "{} has not joined", ownership.address());
    }

    /// A node that owns nothing yet.
    fn make(&mut self) -> Arc<Ownership> {
        let address = address(self.nodes.len());
        let (from, wires) = (address.clone(), Arc::clone(&self.wires));
        let dial = move |to: &str| {
            let (from, wires) = (from.clone(), Arc::clone(&wires));
            Arc::new(Wire { from, to: to.into(), wires }) as Arc<dyn Remote>
        };
        let own = Entry::own(&address, 1);
        let ownership = Arc::new(Ownership::new(own, self.timing, self.clock.clone(), dial));
        let group = self.group(Arc::clone(&ownership));
        self.serve(&address, Groups::new([Arc::clone(&group)]), &ownership);
        self.nodes.push(Node {
            address,
            ownership: Arc::clone(&ownership),
            group,
            registration: None,
            _certain: JoinSet::new(),
        });
        ownership
    }

    fn serve(&self, address: &str, groups: Groups, ownership: &Arc<Ownership>) {
        let local = LocalNode::new(groups, Arc::clone(ownership));
        self.wires.nodes.lock().insert(address.into(), Arc::new(local));
    }

    fn group(&self, ownership: Arc<Ownership>) -> Arc<Group> {
        let clock = self.clock.clone();
        let waker = Waker::new();
        let wake = waker.clone();
        let config = StoreConfig::new(8 << 20, None);
        let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
        let policy = PolicyConfig::new(8 << 20, store.slot_bound());
        let plugin = Plugin::resolve("lru").expect("it is built in");
        let source = PolicyComponent::load(&self.engines, plugin, &policy, PolicyLimits::default());
        let source = source.expect("it is a policy");
        let worker = WorkerConfig::new(policy, clock.clone());
        let worker = Worker::start("scores", source, worker, store.clone(), waker);
        let parts = group::Parts {
            store,
            clock,
            worker: Arc::new(worker.expect("it starts")),
            source: Some(Arc::clone(&self.source) as SharedRetriever).into(),
            ownership,
        };
        Group::new(GroupConfig::named("scores"), parts).expect("the configuration is fine")
    }

    // ---- What happens to nodes ----

    /// The node answers for no group from now on.
    pub(super) fn takes_its_group_away(&self, node: usize) {
        let node = &self.nodes[node];
        self.serve(&node.address, Groups::new([]), &node.ownership);
    }

    /// The node leaves, as one does that is told to stop, and gives nothing away yet.
    /// Answers the registration that has ended.
    pub(super) async fn leave(&mut self, node: usize) -> Name {
        let node = &mut self.nodes[node];
        let name = node.ownership.name();
        node.ownership.leave();
        node.registration.take().expect("it is registered").leave().await;
        name
    }

    /// Waits until the node has so many in its ring, and holds what it owns.
    pub(super) async fn sees(&self, node: usize, count: usize) {
        let ownership = &self.nodes[node].ownership;
        let mut changes = ownership.changes();
        let seen = async {
            while ownership.report().nodes.len() != count || !ownership.is_certain() {
                changes.changed().await;
            }
        };
        tokio::time::timeout(WITHIN, seen).await.expect("it hears of the change");
    }

    /// The node ends without a word.
    pub(super) fn crash(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.registration = None;
        node._certain.abort_all();
        self.wires.cut.lock().push(node.address.clone());
    }

    // ---- What is asked of them ----

    pub(super) fn group_of(&self, node: usize) -> &Arc<Group> {
        &self.nodes[node].group
    }

    pub(super) fn put(&self, key: &str, value: &str) {
        self.source.rows.lock().insert(key.into(), value.into());
    }

    pub(super) async fn get(&self, node: usize, key: &str) -> Result<(String, Origin), Error> {
        let answer = self.group_of(node).get(key, WITHIN).await?;
        Ok((String::from_utf8(answer.value.to_vec()).expect("text"), answer.origin))
    }

    /// The value at `node`.
    pub(super) async fn read(&self, node: usize, key: &str) -> String {
        self.get(node, key).await.expect("found").0
    }

    pub(super) async fn set(&self, node: usize, key: &str, value: &'static str) {
        let value = Bytes::from_static(value.as_bytes());
        self.group_of(node).set(key, value, None, WITHIN).await.expect("it is confirmed");
    }

    pub(super) async fn remove(&self, node: usize, key: &str) {
        self.group_of(node).remove(key, WITHIN).await.expect("it is confirmed");
    }

    pub(super) fn owns(&self, node: usize, key: &str) -> bool {
        matches!(self.nodes[node].ownership.owner(ring_hash(key)), Owner::Here)
    }

    /// A key that this node owns.
    pub(super) fn key_of(&self, node: usize) -> String {
        let mut keys = (0..).map(|n| format!("key-{n}"));
        keys.find(|key| self.owns(node, key)).expect("it owns some")
    }
}

fn address(node: usize) -> String {
    format!("node-{node}:7400")
}
