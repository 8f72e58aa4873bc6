//! The nodes that the client knows, and the order in which it asks them for a key: the
//! owner first.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use tokio::task::JoinSet;

use super::ConnectError;
use super::node::Node;
use crate::host_port::HostPort;
use crate::key;
use crate::membership::rendezvous::{Ring, RingNode};
use crate::transport::dial::Dialer;

/// The known nodes, as one snapshot that calls read without a lock.
pub(super) struct Routes {
    now: Arc<ArcSwap<Known>>,
    /// Spreads calls without a key over the nodes.
    turn: AtomicUsize,
    /// The task that follows the registry; aborted when this is dropped.
    _following: JoinSet<()>,
}

/// The nodes at one moment.
pub(super) struct Known {
    /// The ring of the cluster, if the client knows all nodes and their weights. Otherwise it
    /// still sends requests for one key to the same node.
    ring: Ring,
    /// In the order of the ring.
    nodes: Vec<Arc<Node>>,
    /// Why there are no nodes; empty if there are some.
    problem: String,
}

/// What a node is made with that was not known before.
pub(super) struct NewNodes {
    pub(super) max_value_bytes: usize,
    pub(super) dialer: Dialer,
}

impl NewNodes {
    fn make(&self, address: &str) -> Node {
        Node::new(address, self.max_value_bytes, self.dialer.clone())
    }
}

/// The nodes to ask for one key, one after the other.
pub(super) struct Route {
    known: Arc<Known>,
    first: usize,
    asked: usize,
    lost: Vec<String>,
}

impl Routes {
    /// The routes to the nodes in `now`, which `following` keeps up to date.
    pub(super) fn new(now: Arc<ArcSwap<Known>>, following: JoinSet<()>) -> Self {
        Self { now, turn: AtomicUsize::new(0), _following: following }
    }

    /// The routes to the nodes of a list.
    pub(super) fn listed(addresses: &[String], new_nodes: &NewNodes) -> Result<Self, ConnectError> {
        let nodes = addresses.iter().map(|address| listed(address));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() {
            return Err(ConnectError::NoNodes);
        }
        let known = Known::empty().changed(nodes, str::to_owned, String::new(), new_nodes);
        Ok(Self::new(Arc::new(ArcSwap::from_pointee(known)), JoinSet::new()))
    }

    /// Divides keys by the node that is asked first for them. A part has the places of its keys,
    /// in their order.
    pub(super) fn parts(&self, keys: &[&str]) -> Vec<Vec<usize>> {
        let known = self.now.load();
        let mut parts = BTreeMap::<_, Vec<usize>>::new();
        for (place, key) in keys.iter().enumerate() {
            parts.entry(known.ring.owner(key::ring_hash(key))).or_default().push(place);
        }
        parts.into_values().collect()
    }

    /// The nodes to ask for `key`, or for a call without a key.
    pub(super) fn route(&self, key: Option<&str>) -> Route {
        let known = self.now.load_full();
        let owner = key.and_then(|key| known.ring.owner(key::ring_hash(key)));
        let first = owner.unwrap_or_else(|| self.turn.fetch_add(1, Ordering::Relaxed));
        Route { known, first, asked: 0, lost: Vec::new() }
    }

    /// Whether `route` was made from the present nodes.
    pub(super) fn is_current(&self, route: &Route) -> bool {
        Arc::ptr_eq(&route.known, &self.now.load())
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("ring", &self.now.load().ring).finish_non_exhaustive()
    }
}

impl Route {
    /// The next node.
    pub(super) fn next(&mut self) -> Option<Arc<Node>> {
        let count = self.known.nodes.len();
        if self.asked == count {
            return None;
        }
        let at = self.first.wrapping_add(self.asked) % count;
        self.asked += 1;
        Some(Arc::clone(&self.known.nodes[at]))
    }

    /// Notes why a node did not answer.
    pub(super) fn lost(&mut self, address: &str, problem: &str) {
        self.lost.push(format!("{address}: {problem}"));
    }

    /// Why no node answered.
    pub(super) fn problem(&self) -> String {
        if self.lost.is_empty() {
            return self.known.problem.clone();
        }
        format!("no node could be asked ({})", self.lost.join("; "))
    }
}

impl Known {
    pub(super) fn empty() -> Self {
        Self { ring: Ring::new([]), nodes: Vec::new(), problem: String::new() }
    }

    /// The snapshot for these nodes, where `reached_at` says at which address a client connects
    /// to the one that advertises another. Connections to nodes that stay are kept. The
    /// connection to a node that left closes after the last request on it was answered.
    pub(super) fn changed(
        &self,
        nodes: impl IntoIterator<Item = RingNode>,
        reached_at: impl Fn(&str) -> String,
        problem: String,
        new_nodes: &NewNodes,
    ) -> Self {
        let ring = Ring::new(nodes);
        let same = |address: &str| self.nodes.iter().find(|node| node.address() == address);
        let node = |node: &RingNode| {
            let address = reached_at(&node.address);
            same(&address).map_or_else(|| Arc::new(new_nodes.make(&address)), Arc::clone)
        };
        let nodes = ring.nodes().iter().map(node).collect();
        Self { ring, nodes, problem }
    }
}

fn listed(address: &str) -> Result<RingNode, ConnectError> {
    match HostPort::parse(address) {
        Some(HostPort { port: 1.., .. }) => Ok(RingNode { address: address.into(), weight: 1 }),
        _ => Err(ConnectError::Address(address.into())),
    }
}
