//! The nodes that the client knows, and the order in which it asks them for a key: the
//! owner first.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
#[cfg(feature = "etcd")]
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::node::Node;
use super::{ClientConfig, ConnectError, Nodes};
use crate::host_port::HostPort;
use crate::key;
#[cfg(not(feature = "etcd"))]
use crate::membership::registry::RegistryError;
#[cfg(feature = "etcd")]
use crate::membership::registry::{Membership, Observer};
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
struct Known {
    /// The ring of the cluster, if the client knows all nodes and their weights. Otherwise it
    /// still sends requests for one key to the same node.
    ring: Ring,
    /// In the order of the ring.
    nodes: Vec<Arc<Node>>,
    /// Why there are no nodes; empty if there are some.
    problem: String,
}

/// What a node is made with that was not known before.
struct NewNodes {
    max_value_bytes: usize,
    dialer: Dialer,
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
    pub(super) async fn start(config: ClientConfig) -> Result<Self, ConnectError> {
        let new_nodes = NewNodes {
            max_value_bytes: config.max_value_bytes,
            dialer: Dialer::of_client(config.tls, config.token_file),
        };
        #[cfg_attr(not(feature = "etcd"), expect(unused_mut, reason = "nothing is followed"))]
        let mut following = JoinSet::new();
        let now = match config.nodes {
            Nodes::List(addresses) => {
                let nodes = addresses.iter().map(|address| listed(address));
                let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
                if nodes.is_empty() {
                    return Err(ConnectError::NoNodes);
                }
                Known::empty().changed(nodes, str::to_owned, String::new(), &new_nodes)
            }
            #[cfg(not(feature = "etcd"))]
            Nodes::Etcd(_) => return Err(RegistryError::without_etcd().into()),
            #[cfg(feature = "etcd")]
            Nodes::Etcd(config) => {
                let observer = Observer::start(config).await?;
                let mut membership = observer.membership();
                let known = Known::empty().told(&membership.borrow_and_update(), &new_nodes);
                let now = Arc::new(ArcSwap::from_pointee(known));
                let follow = follow(Arc::clone(&now), membership, new_nodes);
                following.spawn(async move {
                    follow.await;
                    drop(observer);
                });
                return Ok(Self { now, turn: AtomicUsize::new(0), _following: following });
            }
        };
        let now = Arc::new(ArcSwap::from_pointee(now));
        Ok(Self { now, turn: AtomicUsize::new(0), _following: following })
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
    fn empty() -> Self {
        Self { ring: Ring::new([]), nodes: Vec::new(), problem: String::new() }
    }

    /// What the registry says.
    #[cfg(feature = "etcd")]
    fn told(&self, membership: &Membership, new_nodes: &NewNodes) -> Self {
        let nodes = membership.nodes.iter();
        let nodes = nodes
            .map(|node| RingNode { address: node.address.as_str().into(), weight: node.weight });
        let mut problem = "no node is registered in etcd".to_owned();
        if !membership.problem.is_empty() {
            problem = format!("{problem}, as far as is known ({})", membership.problem);
        }
        let reached_at = |address: &str| {
            let entry = membership.nodes.iter().find(|entry| entry.address == address);
            entry.map_or(address, |entry| entry.for_clients()).to_owned()
        };
        self.changed(nodes, reached_at, problem, new_nodes)
    }

    /// The snapshot for these nodes, where `reached_at` says at which address a client connects
    /// to the one that advertises another. Connections to nodes that stay are kept. The
    /// connection to a node that left closes after the last request on it was answered.
    fn changed(
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

/// Applies changes of the registry until the registry is closed.
#[cfg(feature = "etcd")]
async fn follow(
    now: Arc<ArcSwap<Known>>,
    mut membership: watch::Receiver<Arc<Membership>>,
    new_nodes: NewNodes,
) {
    while membership.changed().await.is_ok() {
        let told = Arc::clone(&membership.borrow_and_update());
        let known = now.load().told(&told, &new_nodes);
        now.store(Arc::new(known));
    }
}

fn listed(address: &str) -> Result<RingNode, ConnectError> {
    match HostPort::parse(address) {
        Some(HostPort { port: 1.., .. }) => Ok(RingNode { address: address.into(), weight: 1 }),
        _ => Err(ConnectError::Address(address.into())),
    }
}
