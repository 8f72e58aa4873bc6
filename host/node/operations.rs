//! Implements the operations of the admin service: `status`, `policy swap`, `reload` and
//! `shadow`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::plugins::Plugins;
use super::policy_changes::PolicyChanges;
use super::reload_request::ReloadRequest;
use super::shadows::{self, Shadows};
use super::trial::Trial;
use crate::clock::Clock;
use crate::config;
use crate::error::Error;
use crate::ownership::Ownership;
use crate::policy::{Failure, PolicyConfig};
use crate::proto::{NodeStatus, RegistryStatus, StatusResponse};
use crate::server::{
    GroupShadow, Groups, Health, Operations, Phase, PolicySwap, PolicySwapped, PolicyTrial,
    Reloaded, ShadowStart, TrialNews,
};
use crate::shadow::Candidate;
use crate::transport::remote::Reachability;

/// The node as seen by the admin service.
pub(super) struct NodeOperations {
    /// The advertised address.
    pub(super) address: String,
    pub(super) ownership: Arc<Ownership>,
    /// "none", "static", "etcd" or "in-memory".
    pub(super) registry: &'static str,
    /// The word of the status for what protects the listeners.
    pub(super) security: &'static str,
    pub(super) started: Clock,
    pub(super) groups: Groups,
    pub(super) plugins: Arc<Plugins>,
    /// The digests that the policy of a group may have, by the group's name.
    pub(super) pinned: BTreeMap<String, Vec<String>>,
    /// Where a request to reload goes; empty if the program takes none.
    pub(super) reloads: Arc<OnceLock<mpsc::Sender<ReloadRequest>>>,
    pub(super) health: Arc<Health>,
    pub(super) shadows: Arc<Shadows>,
    pub(super) policy_changes: Arc<PolicyChanges>,
}

impl Operations for NodeOperations {
    fn status(&self) -> StatusResponse {
        let state = self.ownership.report();
        let mut groups = self.groups.statuses();
        for group in &mut groups {
            // One that has left owns nothing any more.
            group
                .missing_on
                .retain(|missing| state.nodes.iter().any(|node| *node.address == **missing));
        }
        let nodes = state.nodes.into_iter().map(|node| NodeStatus {
            address: node.address.to_string(),
            clients: node.clients,
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
            groups,
            ring_version: state.ring_version,
            registry: Some(registry),
            security: self.security.into(),
        }
    }

    fn swap_policy(&self, swap: PolicySwap) -> BoxFuture<'_, Result<PolicySwapped, Error>> {
        self.swap(swap).boxed()
    }

    fn try_policy(
        &self,
        trial: PolicyTrial,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<TrialNews>, Error>> {
        self.begin_trial(trial).boxed()
    }

    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, Error>> {
        self.reload().boxed()
    }

    fn start_shadow(&self, start: ShadowStart) -> BoxFuture<'_, Result<(), Error>> {
        self.shadows.start(&self.plugins, &self.groups, start).boxed()
    }

    fn shadows(&self) -> Vec<GroupShadow> {
        self.shadows.list(&self.groups)
    }

    fn stop_shadow(&self, group: &str) -> bool {
        self.shadows.stop(group)
    }
}

impl NodeOperations {
    async fn reload(&self) -> Result<Reloaded, Error> {
        let refused = |problem| Err(Error::InvalidArgument { argument: "settings", problem });
        let Some(reloads) = self.reloads.get() else {
            return refused("the program that runs this node reads them, not a file".into());
        };
        let (reply, answer) = oneshot::channel();
        reloads.send(ReloadRequest { reply }).await.map_err(|_| Error::Stopping)?;
        answer.await.map_err(|_| Error::Stopping)?.or_else(refused)
    }

    async fn swap(&self, swap: PolicySwap) -> Result<PolicySwapped, Error> {
        let group = self.groups.find(&swap.group)?;
        let _claim = self.policy_changes.by_hand(group.name())?.swap(group.name())?;
        let config =
            PolicyConfig { options: swap.options.clone(), ..group.parts().worker.policy() };
        let policy = self.plugins.sent_policy(&swap, self.pinned(&swap.group), config).await?;
        let swapped = group
            .parts()
            .worker
            .swap(policy, swap.options)
            .await
            .map_err(|failure| failed(&failure))?;
        let entries = group.parts().store.stats().entries;
        Ok(PolicySwapped { entries, took: swapped.took })
    }

    /// The digests that the group's policy may have; none: any.
    fn pinned(&self, group: &str) -> &[String] {
        self.pinned.get(group).map_or(&[], Vec::as_slice)
    }

    async fn begin_trial(&self, trial: PolicyTrial) -> Result<mpsc::Receiver<TrialNews>, Error> {
        let PolicyTrial { swap, better_by, span } = trial;
        let group = self.groups.find(&swap.group)?;
        let claim = self.policy_changes.by_hand(group.name())?.trial(group.name())?;
        let config =
            PolicyConfig { options: swap.options.clone(), ..group.parts().worker.policy() };
        let pinned = self.pinned(&swap.group);
        let source = self.plugins.sent_policy(&swap, pinned, config).await?;
        let name = shadows::name(&swap);
        let candidate = Candidate { name, source, options: swap.options };
        // A caller who reads slowly does not hold the trial up: it has three news at most.
        let (news, told) = mpsc::channel(4);
        let live = group.parts().worker.status().policy;
        let (group, candidates) = (Arc::clone(group), vec![candidate]);
        let is_patient = false;
        let trial = Trial { group, live, candidates, better_by, span, is_patient, news, claim };
        self.policy_changes.trials().spawn(async move { drop(trial.run().await) });
        Ok(told)
    }
}

/// The digests that the policy of each group may have.
pub(super) fn pinned(groups: &[config::Group]) -> BTreeMap<String, Vec<String>> {
    let of = |group: &config::Group| match &group.policy {
        config::PolicyChoice::Plugin(plugin) => {
            Some((group.group.name.clone(), plugin.sha256.clone()))
        }
        // It can't be swapped, and each candidate was checked.
        config::PolicyChoice::Auto(_) | config::PolicyChoice::Native(_) => None,
    };
    groups.iter().filter_map(of).collect()
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
