//! The ring and the nodes in it, as one snapshot that requests read without a lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::Mutex;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::timeout;

use super::debts::{Debts, WHO_COMES};
use super::listening::Listening;
use super::snapshot::{Nodes, Snapshot};
use super::standing::Standing;
use crate::clock::Clock;
use crate::membership::registry::{Member, Membership};
use crate::membership::rendezvous::{Ring, RingNode};
use crate::transport::remote::{Link, Remote};

/// For how long after a change a new owner asks those before it.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// How long after this node registered others may register that lost the registry
/// when this node did, and so were there before without being known.
const BACK_WITHIN: Duration = Duration::from_secs(20);

/// Changes that are remembered, so that several nodes may start at once.
const REMEMBERED_CHANGES: usize = 4;

/// Makes the connection to the node at an address.
type Dial = Box<dyn Fn(&str) -> Arc<dyn Remote> + Send + Sync>;

/// Makes the ring of some nodes from another one.
type Change = Box<dyn Fn(&Ring, Vec<RingNode>) -> Ring + Send + Sync>;

/// The nodes that share the keys, as this node sees them now.
pub struct Cluster {
    pub(super) own: Arc<str>,
    /// Tells this process from the one before it at the same address.
    process: u64,
    dial: Dial,
    change: Change,
    pub(super) clock: Clock,
    now: ArcSwap<Snapshot>,
    /// Lets one change after the other be made; requests do not lock it.
    changing: Mutex<()>,
    pub(super) standing: Arc<Standing>,
    pub(super) listening: Listening,
    pub(super) debts: Debts,
}

/// Who answers for a key.
#[derive(Clone)]
pub enum Owner {
    /// This node.
    Local,
    /// Another one.
    Remote(Arc<dyn Remote>),
}

/// The cluster as status shows it.
#[derive(Clone, Debug)]
pub struct State {
    /// By address.
    pub nodes: Vec<NodeState>,
    /// See [`Ring::version`].
    pub ring_version: u64,
    /// What the registry said last.
    pub membership: Arc<Membership>,
}

/// One node of a [`State`].
#[derive(Clone, Debug)]
pub struct NodeState {
    /// Its address.
    pub address: Arc<str>,
    /// As it counts in the ring.
    pub weight: u32,
    /// Share of the key space, 0 to 1.
    pub share: f64,
    /// How it stands with it; `None` for this node.
    pub link: Option<Link>,
    /// How many requests to it ended in which way.
    pub requests: Vec<(&'static str, u64)>,
}

impl Cluster {
    /// A cluster of this node only.
    #[must_use]
    pub fn alone() -> Self {
        let cluster = Self::new("", Clock::monotonic(), |address| {
            unreachable!("a node alone has no {address} to connect to")
        });
        let nodes = vec![Member::own("", 1)];
        cluster.apply(Arc::new(Membership { nodes, connected: true, ..Membership::default() }));
        cluster
    }

    /// A cluster that is this node only, known as `own`, until the first
    /// [`apply`](Self::apply). `dial` connects to another one, at once and without
    /// waiting; it runs in a tokio runtime if `apply` does.
    pub fn new(
        own: &str,
        clock: Clock,
        dial: impl Fn(&str) -> Arc<dyn Remote> + Send + Sync + 'static,
    ) -> Self {
        let alone = RingNode { address: own.into(), weight: 1 };
        let nodes = Nodes { ring: Ring::new([alone]), remotes: vec![None] };
        let snapshot = Snapshot {
            nodes: Arc::new(nodes),
            before: VecDeque::new(),
            membership: Arc::default(),
            in_touch_since_ms: None,
        };
        Self {
            own: own.into(),
            process: rand::random(),
            dial: Box::new(dial),
            change: Box::new(Ring::changed),
            standing: Arc::new(Standing::new(clock.clone())),
            clock,
            now: ArcSwap::from_pointee(snapshot),
            changing: Mutex::new(()),
            listening: Listening::default(),
            debts: Debts::default(),
        }
    }

    /// The same, with rings that `change` makes: what [`Ring::changed`] would, but
    /// from memory, where many clusters change as often as in a simulation.
    #[must_use]
    pub fn with_rings(
        mut self,
        change: impl Fn(&Ring, Vec<RingNode>) -> Ring + Send + Sync + 'static,
    ) -> Self {
        self.change = Box::new(change);
        self
    }

    /// Takes the nodes of `membership` for the cluster from now on. Connections to
    /// nodes that stay are kept.
    pub fn apply(&self, membership: Arc<Membership>) {
        let _changing = self.changing.lock();
        let now = self.now.load();
        let nodes = membership
            .nodes
            .iter()
            .map(|node| RingNode { address: node.address.as_str().into(), weight: node.weight })
            .collect();
        let now_ms = self.clock.now_ms();
        let mut before = now.before.clone();
        before.retain(|(until_ms, _)| *until_ms > now_ms);
        let mut current = Arc::clone(&now.nodes);
        let ring = (self.change)(&current.ring, nodes);
        if ring.version() != current.ring.version() {
            let remotes = ring.nodes().iter().map(|node| self.remote(node, &now)).collect();
            let joined = Nodes { ring, remotes };
            let past = self.before_joining(&current, &joined).unwrap_or(current);
            before.push_front((now_ms + REMEMBERED.as_millis() as u64, past));
            before.truncate(REMEMBERED_CHANGES);
            let (nodes, version) = (joined.remotes.len(), joined.ring.version());
            tracing::info!(nodes, version, "the ring changed");
            current = Arc::new(joined);
        }
        let in_touch_since_ms = now.next_in_touch_since_ms(&membership, now_ms);
        let in_touch_ms = in_touch_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
        if in_touch_ms > BACK_WITHIN.as_millis() as u64 {
            self.debts.cancel(WHO_COMES);
        }
        self.owe_newcomers(&now.nodes, &current);
        let registrations = membership.registrations;
        let nodes = Arc::clone(&current);
        self.now.store(Arc::new(Snapshot { nodes, before, membership, in_touch_since_ms }));
        let others = current.others().map(|other| other.address());
        self.standing.others_are(others, registrations);
    }

    /// Those who came are owed what this node changed where it could find nobody.
    fn owe_newcomers(&self, were: &Nodes, are: &Nodes) {
        let known: Vec<_> = were.others().map(|other| other.address()).collect();
        let others = are.others().map(|other| other.address());
        others.filter(|other| !known.contains(other)).for_each(|new| self.debts.has_come(new));
    }

    /// Applies what the registry says, now and whenever it changes, until it is
    /// gone.
    pub async fn follow(self: Arc<Self>, mut membership: watch::Receiver<Arc<Membership>>) {
        loop {
            let seen = Arc::clone(&membership.borrow_and_update());
            self.apply(seen);
            // Without a change it is applied again all the same, which lets go of
            // the nodes of the last change.
            if let Ok(Err(_)) = timeout(REMEMBERED, membership.changed()).await {
                return;
            }
        }
    }

    /// The others as they were until now, if this node was alone: it joins them,
    /// and what it owns from now on they have owned so far.
    fn before_joining(&self, was: &Nodes, joined: &Nodes) -> Option<Arc<Nodes>> {
        if was.others().next().is_some() {
            return None;
        }
        self.others_among(joined)
    }

    /// The nodes as they share the keys without this one; `None` if it is alone.
    pub(super) fn without_this_node(&self) -> Option<Arc<Nodes>> {
        self.others_among(&self.now.load().nodes)
    }

    fn others_among(&self, nodes: &Nodes) -> Option<Arc<Nodes>> {
        let others = nodes.ring.nodes().iter();
        let others = others.filter(|node| node.address != self.own).cloned().collect();
        let ring = (self.change)(&nodes.ring, others);
        let remotes = nodes.remotes.iter().filter(|remote| remote.is_some()).cloned().collect();
        (!ring.nodes().is_empty()).then(|| Arc::new(Nodes { ring, remotes }))
    }

    fn remote(&self, node: &RingNode, now: &Snapshot) -> Option<Arc<dyn Remote>> {
        if node.address == self.own {
            return None;
        }
        // One that left a moment ago may be back: its connection is there still.
        let known = now.remote_at(&node.address).or_else(|| {
            let mut listening = self.listening.at(self.clock.now_ms()).into_iter();
            listening.find(|remote| remote.address() == &*node.address)
        });
        Some(known.unwrap_or_else(|| (self.dial)(&node.address)))
    }

    /// The connection to the node at `address`, a new one if no ring has it.
    pub(super) fn remote_at(&self, address: &str) -> Arc<dyn Remote> {
        self.now.load().remote_at(address).unwrap_or_else(|| (self.dial)(address))
    }

    /// Whether the registry's latest list is here. A node that starts waits for its
    /// first one, and may have lost the registry later.
    pub(super) fn is_in_touch(&self) -> bool {
        self.now.load().in_touch_since_ms.is_some()
    }

    /// Whether this node is out of touch and alone in its ring.
    pub(super) fn knows_nobody(&self) -> bool {
        !self.is_in_touch() && self.others().is_empty()
    }

    /// Who owns the key with this [`ring_hash`](crate::key::ring_hash).
    #[must_use]
    pub fn owner(&self, ring_hash: u64) -> Owner {
        match self.now.load().nodes.owner(ring_hash) {
            Some(remote) => Owner::Remote(Arc::clone(remote)),
            None => Owner::Local,
        }
    }

    /// Whether this node owns the key with this hash.
    #[must_use]
    pub fn owns(&self, ring_hash: u64) -> bool {
        self.now.load().nodes.owner(ring_hash).is_none()
    }

    /// Who owned the key before recent changes of the ring, the latest first: one
    /// of them may hold its value still. Empty in quiet times, and never names
    /// this node or the owner now.
    #[must_use]
    pub fn previous_owners(&self, ring_hash: u64) -> Vec<Arc<dyn Remote>> {
        self.now.load().previous_owners(ring_hash, || self.clock.now_ms())
    }

    /// Tells this process from the one before it at the same address.
    #[must_use]
    pub fn process(&self) -> u64 {
        self.process
    }

    /// Every node but this one.
    #[must_use]
    pub fn others(&self) -> Vec<Arc<dyn Remote>> {
        self.now.load().nodes.others().cloned().collect()
    }

    /// See [`Ring::version`].
    #[must_use]
    pub fn ring_version(&self) -> u64 {
        self.now.load().nodes.ring.version()
    }

    /// The cluster as status shows it.
    #[must_use]
    pub fn state(&self) -> State {
        let now = self.now.load();
        let ring = &now.nodes.ring;
        let nodes = ring.nodes().iter().zip(ring.shares()).zip(&now.nodes.remotes);
        let nodes = nodes.map(|((node, share), remote)| NodeState {
            address: Arc::clone(&node.address),
            weight: node.weight,
            share,
            link: remote.as_ref().map(|remote| remote.link()),
            requests: remote.as_ref().map_or_else(Vec::new, |remote| remote.counts()),
        });
        State {
            nodes: nodes.collect(),
            ring_version: ring.version(),
            membership: Arc::clone(&now.membership),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ring = &self.now.load().nodes.ring;
        f.debug_struct("Cluster")
            .field("own", &self.own)
            .field("ring", ring)
            .finish_non_exhaustive()
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self::alone()
    }
}

#[cfg(test)]
mod tests;
