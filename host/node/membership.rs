//! A node's place among the others: what it calls itself, joins by and leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::StartError;
use crate::clock::Clock;
use crate::cluster::{Cluster, Heirs};
use crate::config::{self, Config};
use crate::group::HandedOff;
use crate::membership::registry::{self, Member, Registry};
use crate::server::Groups;
use crate::transport::peer::Peer;

/// How long a node that left serves on: others hear of it within milliseconds,
/// and what they had sent until then arrives.
const GRACE: Duration = Duration::from_millis(500);

/// How long a node that left gives its entries to others, at most: an orchestrator
/// that waits ten seconds for the end has most of them left for what is in flight.
const HAND_OFF_WITHIN: Duration = Duration::from_secs(2);

/// How long a node that starts waits until it has greeted all others.
const SETTLE_WITHIN: Duration = Duration::from_secs(2);

/// The address that others know the node by, which listens on `bound`.
///
/// # Errors
/// [`StartError::Advertise`]: others are to reach it, and could not.
pub(super) fn advertised(config: &Config, bound: SocketAddr) -> Result<String, StartError> {
    if let Some(address) = &config.advertise {
        return Ok(address.clone());
    }
    let alone = config.cluster.registry == config::Registry::Alone;
    if bound.ip().is_unspecified() && !alone {
        return Err(StartError::Advertise(bound.to_string()));
    }
    Ok(bound.to_string())
}

/// A cluster that asks others over gRPC.
pub(super) fn cluster(own: &str, max_value_bytes: usize) -> Arc<Cluster> {
    let dial = move |address: &str| Arc::new(Peer::new(address, max_value_bytes)) as _;
    Arc::new(Cluster::new(own, Clock::monotonic(), dial))
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

/// The registry as its own stage knows it.
pub(super) fn registry(configured: config::Registry) -> registry::Config {
    match configured {
        config::Registry::Alone => registry::Config::Alone,
        config::Registry::Static(addresses) => registry::Config::Static(addresses),
        config::Registry::Etcd(config) => registry::Config::Etcd(config),
        config::Registry::InMemory(register) => registry::Config::InMemory(register),
    }
}

/// A node that has joined.
pub(super) struct Membership {
    registry: Registry,
    cluster: Arc<Cluster>,
    /// Applies changes until it is dropped.
    _following: JoinSet<()>,
}

impl Membership {
    /// Registers `own`, and keeps `cluster` as the registry says from now on.
    pub(super) async fn join(
        config: registry::Config,
        own: Member,
        cluster: &Arc<Cluster>,
        groups: &Groups,
    ) -> Result<Self, StartError> {
        let forgetting = groups.clone();
        cluster
            .standing()
            .on_fall(move || forgetting.iter().map(|group| group.forget_here()).sum());
        let registry = Registry::start(config, own, Arc::clone(cluster.standing())).await?;
        let membership = registry.membership();
        cluster.apply(Arc::clone(&membership.borrow()));
        let mut following = JoinSet::new();
        following.spawn(Arc::clone(cluster).follow(membership));
        let touch = Arc::clone(cluster);
        following.spawn(async move { touch.keep_in_touch().await });
        let payer = Arc::clone(cluster);
        following.spawn(async move { payer.pay_debts().await });
        // Before that it would load everything anew for each get.
        let _ = tokio::time::timeout(SETTLE_WITHIN, cluster.standing().settled()).await;
        Ok(Self { registry, cluster: Arc::clone(cluster), _following: following })
    }

    /// Leaves, gives what is held to those who own it from then on, and returns when
    /// nobody should be asking any more.
    pub(super) async fn leave(self, groups: &Groups) {
        let heirs = self.cluster.heirs();
        let others_notice = self.registry.leave().await;
        let Some(heirs) = heirs else { return };
        let grace = tokio::time::sleep(GRACE);
        if others_notice {
            let handed = hand_off(groups, &heirs);
            let (handed, ()) = tokio::join!(handed, grace);
            tracing::info!(handed.sent, handed.kept, "handed entries to their next owners");
        } else {
            grace.await;
        }
        self.cluster.standing().retire();
        self.cluster.say_goodbye().await;
    }
}

/// Small groups first: one that is large would leave them no time.
async fn hand_off(groups: &Groups, heirs: &Heirs) -> HandedOff {
    let end = Instant::now() + HAND_OFF_WITHIN;
    let mut groups: Vec<_> = groups.iter().collect();
    groups.sort_by_key(|group| group.parts().store.stats().bytes);
    let mut all = HandedOff::default();
    for group in groups {
        all += group.hand_off(heirs, end.saturating_duration_since(Instant::now())).await;
    }
    all
}
