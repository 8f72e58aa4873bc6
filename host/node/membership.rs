//! A node's place among the others: what it calls itself, joins by and leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::error::StartError;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::group::HandedOver;
use crate::membership::registry::Registry;
#[cfg(not(feature = "etcd"))]
use crate::membership::registry::RegistryError;
#[cfg(feature = "etcd")]
use crate::membership::registry::etcd;
use crate::membership::rendezvous::RingNode;
use crate::membership::view::Entry;
use crate::ownership::{Ownership, Registration, Timing};
use crate::server::Groups;
use crate::transport::peer::Peer;

/// How long a node that left serves on: others hear of it within milliseconds,
/// and what they had sent until then arrives.
const GRACE: Duration = Duration::from_millis(500);

/// How long a node that left gives its entries to others, at most: an orchestrator
/// that waits ten seconds for the end has most of them left for what is in flight.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

/// The address that others know the node by, which listens on `bound`.
///
/// # Errors
/// [`StartError::Advertise`]: others are to reach it, and could not.
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

/// The keys of a node that asks others over gRPC.
pub(super) fn ownership(
    own: &Entry,
    registry: &config::Registry,
    max_value_bytes: usize,
) -> Arc<Ownership> {
    let timing = match registry {
        config::Registry::Etcd(config) => Timing::of(config.lease_ttl),
        _ => Timing::default(),
    };
    let dial = move |address: &str| Arc::new(Peer::new(address, max_value_bytes)) as _;
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

/// A node that takes part.
pub(super) struct Membership {
    /// `None` for a node with a list.
    registration: Option<Registration>,
    ownership: Arc<Ownership>,
    /// What goes on until it is dropped.
    _following: JoinSet<()>,
}

impl Membership {
    /// Takes part in the way that `registry` says. Answers when the node holds what it
    /// owns, or when that turns out to take longer.
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
        // Before others hear of the address.
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

    /// Leaves, gives what is held to those who own it from then on, and returns when
    /// nobody should be asking any more.
    pub(super) async fn leave(self, groups: &Groups) {
        let is_alone = self.ownership.others().is_empty();
        let grace = tokio::time::sleep(if is_alone { Duration::ZERO } else { GRACE });
        let Some(registration) = self.registration else { return grace.await };
        // Nothing is held from here on, so that others may: one may come at any time.
        let name = self.ownership.name();
        self.ownership.leave();
        registration.leave().await;
        let (handed, ()) = tokio::join!(hand_over(groups, name), grace);
        tracing::info!(handed.sent, handed.kept, "handed entries to their next owners");
    }
}

/// This node and those of a list; what is written there of this one counts.
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

/// Small groups first: one that is large would leave them no time.
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
