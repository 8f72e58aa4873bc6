//! Joins the cluster through its registry, and leaves it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::error::StartError;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::group::HandedOver;
use crate::host_port::HostPort;
use crate::membership::registry::Registry;
#[cfg(not(feature = "etcd"))]
use crate::membership::registry::RegistryError;
#[cfg(feature = "etcd")]
use crate::membership::registry::etcd;
use crate::membership::rendezvous::RingNode;
use crate::membership::view::Entry;
use crate::ownership::{Ownership, Registration, Timing};
use crate::server::Groups;
use crate::transport::dial::Dialer;
use crate::transport::peer::Peer;

/// How long a node serves requests after it has left. Other nodes learn of that within
/// milliseconds, but their earlier requests may still arrive.
const GRACE: Duration = Duration::from_millis(500);

/// Time limit for handing over entries after a node has left. It is short, so that an
/// orchestrator that allows ten seconds leaves most of them to requests in flight.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// The address that the node, which listens on `bound`, advertises to other nodes.
///
/// # Errors
/// [`StartError::Advertise`] if the node is part of a cluster and others could not reach
/// that address.
pub(super) fn advertised(config: &Config, bound: SocketAddr) -> Result<String, StartError> {
    let address = config.advertise.clone().unwrap_or_else(|| bound.to_string());
    let alone = config.cluster.registry == config::Registry::Alone;
    let unspecified =
        address.parse::<SocketAddr>().is_ok_and(|it| it.ip().is_unspecified() || it.port() == 0);
    if unspecified && !alone {
        return Err(StartError::Advertise(address));
    }
    Ok(address)
}

/// What the node tells of itself. `clients` is where gRPC listens, if nodes have another address.
pub(super) fn entry(config: &Config, clients: Option<SocketAddr>, advertised: &str) -> Entry {
    let clients = clients.map(|bound| for_clients(bound, advertised)).unwrap_or_default();
    Entry { clients, ..Entry::own(advertised, config.cluster.weight) }
}

/// The address at which clients reach a node that nodes reach at `advertised`: the one that gRPC
/// listens on. Where that is every interface, it is the host that nodes know.
fn for_clients(bound: SocketAddr, advertised: &str) -> String {
    match HostPort::parse(advertised) {
        Some(known) if bound.ip().is_unspecified() => {
            let is_ipv6 = known.host.contains(':');
            let host = if is_ipv6 { format!("[{}]", known.host) } else { known.host.to_owned() };
            format!("{host}:{}", bound.port())
        }
        _ => bound.to_string(),
    }
}

/// The ownership of a node that calls other nodes over gRPC.
pub(super) fn ownership(
    own: &Entry,
    registry: &config::Registry,
    max_value_bytes: usize,
    dialer: Dialer,
) -> Arc<Ownership> {
    let timing = match registry {
        config::Registry::Etcd(config) => Timing::of(config.lease_ttl),
        _ => Timing::default(),
    };
    let dial =
        move |address: &str| Arc::new(Peer::dialed(address, max_value_bytes, dialer.clone())) as _;
    Arc::new(Ownership::new(own.clone(), timing, Clock::monotonic(), dial))
}

/// "none", "static", "etcd" or "in-memory".
pub(super) fn kind(registry: &config::Registry) -> &'static str {
    match registry {
        config::Registry::Alone => "none",
        config::Registry::Static(_) => "static",
        config::Registry::Etcd(_) => "etcd",
        config::Registry::InMemory(_) => "in-memory",
    }
}

/// The node's membership in its cluster.
pub(super) struct Membership {
    /// `None` for a node that is alone or has a static list.
    registration: Option<Registration>,
    ownership: Arc<Ownership>,
    /// Background tasks, which are aborted when this is dropped.
    _following: JoinSet<()>,
}

impl Membership {
    /// Joins the cluster by `registry`. Returns when the node may hold the keys that it
    /// owns, or earlier if that takes too long.
    pub(super) async fn join(
        registry: config::Registry,
        own: Entry,
        ownership: &Arc<Ownership>,
    ) -> Result<Self, StartError> {
        let mut following = JoinSet::new();
        let registry: Arc<dyn Registry> = match registry {
            config::Registry::Alone => {
                ownership.follow_list(nodes(&own, &[]));
                return Ok(Self::with_list(ownership, following));
            }
            config::Registry::Static(listed) => {
                ownership.follow_list(nodes(&own, &listed));
                ownership.check_list().await?;
                let comparing = Arc::clone(ownership);
                following.spawn(async move { comparing.compare_lists().await });
                return Ok(Self::with_list(ownership, following));
            }
            #[cfg(feature = "etcd")]
            config::Registry::Etcd(config) => Arc::new(etcd::Etcd::new(config)?),
            #[cfg(not(feature = "etcd"))]
            config::Registry::Etcd(_) => return Err(RegistryError::without_etcd().into()),
            config::Registry::InMemory(register) => Arc::new(register),
        };
        // The address is checked before it is registered and others can see it.
        ownership.check_own_address().await?;
        let registration = Registration::start(Arc::clone(ownership), registry, own).await?;
        let certain = Arc::clone(ownership);
        following.spawn(async move { certain.keep_certain().await });
        ownership.settled().await;
        Ok(Self {
            registration: Some(registration),
            ownership: Arc::clone(ownership),
            _following: following,
        })
    }

    fn with_list(ownership: &Arc<Ownership>, following: JoinSet<()>) -> Self {
        Self { registration: None, ownership: Arc::clone(ownership), _following: following }
    }

    /// Leaves the cluster and hands the entries over to their next owners. Returns when no
    /// more requests of other nodes are expected.
    pub(super) async fn leave(self, groups: &Groups) {
        let is_alone = self.ownership.others().is_empty();
        let grace = tokio::time::sleep(if is_alone { Duration::ZERO } else { GRACE });
        let Some(registration) = self.registration else { return grace.await };
        // This node stops holding keys before it deregisters, because another node may own
        // them at any time after that.
        let name = self.ownership.name();
        self.ownership.leave();
        registration.leave().await;
        let (handed, ()) = tokio::join!(hand_over(groups, name), grace);
        tracing::info!(handed.sent, handed.kept, "handed entries to their next owners");
    }
}

/// The nodes of a list, and this node if it is not listed. If it is, the weight in the list
/// applies.
fn nodes(own: &Entry, listed: &[(String, u32)]) -> Vec<RingNode> {
    let node = |(address, weight): &(String, u32)| RingNode {
        address: address.as_str().into(),
        weight: *weight,
    };
    let own = RingNode { address: own.address.as_str().into(), weight: own.weight };
    let listed: Vec<RingNode> = listed.iter().map(node).collect();
    let is_listed = listed.iter().any(|node| node.address == own.address);
    listed.into_iter().chain((!is_listed).then_some(own)).collect()
}

/// Hands over the entries of all groups within the time limit. Small groups come first,
/// because a large one could take all the time.
async fn hand_over(groups: &Groups, name: i64) -> HandedOver {
    let end = tokio::time::Instant::now() + HAND_OVER_WITHIN;
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|group| group.parts().store.stats().bytes);
    let mut all = HandedOver::default();
    for group in groups {
        let within = end.saturating_duration_since(tokio::time::Instant::now());
        all += group.hand_over(name, within).await;
    }
    all
}
