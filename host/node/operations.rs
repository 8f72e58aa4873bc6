//! What operators may see and do: `status` and `policy swap`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::groups::blocking;
use crate::clock::Clock;
use crate::error::Error;
use crate::ownership::Ownership;
use crate::plugin::{Engines, LoadError, Plugin, PolicyComponent, PolicyLimits};
use crate::policy::{Failure, PolicyConfig};
use crate::proto::{NodeStatus, RegistryStatus, StatusResponse};
use crate::server::{Groups, Health, Operations, Phase, PolicySwap, PolicySwapped};
use crate::transport::remote::Reachability;

/// The node as operators see it.
pub(super) struct NodeOperations {
    /// What others call it.
    pub(super) address: String,
    pub(super) ownership: Arc<Ownership>,
    /// "none", "static", "etcd" or "in-memory".
    pub(super) registry: &'static str,
    pub(super) started: Clock,
    pub(super) groups: Groups,
    /// What the instances of each group's policy are told.
    pub(super) policies: BTreeMap<String, PolicyConfig>,
    pub(super) engines: Arc<Engines>,
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
        let group = self.groups.find(swap.group.as_bytes())?;
        let config = self
            .policies
            .get(&swap.group)
            .ok_or_else(|| Error::Internal("a group without a policy".into()))?;
        let config = PolicyConfig { options: swap.options.clone(), ..config.clone() };
        let plugin = match swap.component {
            Some(component) => Plugin::from_bytes(swap.name, component.into())
                .map_err(|e| refused("component", &e))?,
            // Never a path: whoever may swap must not read the node's files by it.
            None => Plugin::builtin(&swap.name).map_err(|e| refused("name", &e))?,
        };
        let engines = Arc::clone(&self.engines);
        let load =
            move || PolicyComponent::load(&engines, plugin, &config, PolicyLimits::default());
        let policy = match blocking(load).await {
            Ok(Ok(policy)) => policy,
            Ok(Err(error)) | Err(error) => return Err(refusal(&error)),
        };
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

fn refusal(error: &LoadError) -> Error {
    match error {
        LoadError::Refused { .. } => refused("options", error),
        LoadError::Engine(problem) => Error::Internal(problem.clone()),
        _ => refused("component", error),
    }
}

fn failed(failure: &Failure) -> Error {
    match failure {
        Failure::Stopped => Error::Stopping,
        Failure::Refused(_) => refused("options", failure),
        _ => refused("component", failure),
    }
}

fn refused(argument: &'static str, problem: &impl ToString) -> Error {
    Error::InvalidArgument { argument, problem: problem.to_string() }
}
