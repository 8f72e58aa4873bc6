//! Implements the operations of the admin service: `status` and `policy swap`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::plugins::Plugins;
use crate::clock::Clock;
use crate::error::Error;
use crate::ownership::Ownership;
use crate::policy::{Failure, PolicyConfig};
use crate::proto::{NodeStatus, RegistryStatus, StatusResponse};
use crate::server::{Groups, Health, Operations, Phase, PolicySwap, PolicySwapped};
use crate::transport::remote::Reachability;

/// The node as seen by the admin service.
pub(super) struct NodeOperations {
    /// The advertised address.
    pub(super) address: String,
    pub(super) ownership: Arc<Ownership>,
    /// "none", "static", "etcd" or "in-memory".
    pub(super) registry: &'static str,
    pub(super) started: Clock,
    pub(super) groups: Groups,
    /// Parameters of each group's policy, by group name.
    pub(super) policies: BTreeMap<String, PolicyConfig>,
    pub(super) plugins: Arc<Plugins>,
    pub(super) health: Arc<Health>,
}

impl Operations for NodeOperations {
    fn status(&self) -> StatusResponse {
        let state = self.ownership.report();
        let nodes = state.nodes.into_iter().map(|node| NodeStatus {
            address: node.address.to_string(),
            weight: node.weight,
            share: node.share,
            state: match &node.reachability {
                None => "self",
                Some(Reachability::Connected) => "connected",
                Some(Reachability::Connecting) => "connecting",
                Some(Reachability::Idle) => "idle",
                Some(Reachability::Unreachable(_)) => "unreachable",
            }
            .into(),
            problem: match node.reachability {
                Some(Reachability::Unreachable(problem)) => problem,
                _ => String::new(),
            },
        });
        let registry = RegistryStatus {
            kind: self.registry.into(),
            connected: state.connected,
            problem: state.problem,
            state: state.state.word().into(),
            ignored_keys: state.ignored_keys as u64,
        };
        StatusResponse {
            version: env!("CARGO_PKG_VERSION").into(),
            address: self.address.clone(),
            uptime_ms: self.started.now_ms(),
            ready: self.health.phase() == Phase::Ready,
            nodes: nodes.collect(),
            groups: self.groups.statuses(),
            ring_version: state.ring_version,
            registry: Some(registry),
        }
    }

    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>> {
        self.swap(swap).boxed()
    }
}

impl NodeOperations {
    async fn swap(&self, swap: PolicySwap) -> Result<PolicySwapped, Error> {
        let group = self.groups.find(&swap.group)?;
        let config = self
            .policies
            .get(&swap.group)
            .ok_or_else(|| Error::Internal("a group without a policy".into()))?;
        let config = PolicyConfig { options: swap.options.clone(), ..config.clone() };
        let policy = self.plugins.sent_policy(&swap, config).await?;
        let swapped = group
            .parts()
            .worker
            .swap(policy, swap.options)
            .await
            .map_err(|failure| failed(&failure))?;
        let entries = group.parts().store.stats().entries;
        Ok(PolicySwapped { entries, took: swapped.took })
    }
}

fn failed(failure: &Failure) -> Error {
    match failure {
        Failure::Stopped => Error::Stopping,
        Failure::Refused(_) => refused("options", failure),
        _ => refused("component", failure),
    }
}

fn refused(argument: &'static str, problem: &Failure) -> Error {
    Error::InvalidArgument { argument, problem: problem.to_string() }
}
