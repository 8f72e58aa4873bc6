//! The cluster, as status and metrics show it.

use std::sync::Arc;

use super::right::Ownership;
use super::state::OwnershipState;
use crate::membership::view::Name;
use crate::transport::remote::Reachability;

/// The cluster as status shows it.
#[derive(Clone, Debug)]
pub struct Report {
    /// By address.
    pub nodes: Vec<NodeReport>,
    /// See [`Ring::version`](crate::membership::rendezvous::Ring::version).
    pub ring_version: u64,
    /// Whether this node holds what it owns.
    pub state: OwnershipState,
    /// Whether the registry answers; a list always does.
    pub connected: bool,
    /// Problems and warnings for an operator; empty if there are none.
    pub problem: String,
    /// Number of keys below the prefix in etcd that are not PsyCache's.
    pub ignored_keys: usize,
}

/// One node of a [`Report`].
#[derive(Clone, Debug)]
pub struct NodeReport {
    /// Its address.
    pub address: Arc<str>,
    /// The address that clients reach it at, if it is another and known; empty otherwise.
    pub clients: String,
    /// Its weight in the ring.
    pub weight: u32,
    /// Its registration; 0: it is not in the view, or there is a static list.
    pub name: Name,
    /// Share of the key space, 0 to 1.
    pub share: f64,
    /// Whether it can be reached; `None` for this node.
    pub reachability: Option<Reachability>,
    /// Requests to it, counted by outcome.
    pub requests: Vec<(&'static str, u64)>,
}

impl Ownership {
    /// Whether this node holds what it owns.
    #[must_use]
    pub fn state(&self) -> OwnershipState {
        if self.is_certain() {
            return OwnershipState::Holds;
        }
        let state = self.state.lock();
        match (state.leaving, state.joined, state.name()) {
            (true, ..) => OwnershipState::Leaving,
            (_, true, _) => OwnershipState::Uncertain,
            (_, _, 0) if self.lists.get().is_none() => OwnershipState::Unregistered,
            _ => OwnershipState::Joining,
        }
    }

    /// Whether this node is uncertain because the registry is out of reach. Groups may
    /// then cache loaded values for a moment, to protect the source.
    #[must_use]
    pub fn is_out_of_touch(&self) -> bool {
        match self.state() {
            OwnershipState::Uncertain => true,
            OwnershipState::Unregistered | OwnershipState::Joining => {
                !self.problems.registry_answers()
            }
            OwnershipState::Holds | OwnershipState::Leaving => false,
        }
    }

    /// The cluster as status shows it.
    #[must_use]
    pub fn report(&self) -> Report {
        let now = self.now.load();
        let view = self.view();
        let ring = &now.ring;
        let nodes = ring.nodes().iter().zip(ring.shares()).zip(&now.remotes);
        let nodes = nodes.map(|((node, share), remote)| NodeReport {
            address: Arc::clone(&node.address),
            clients: match view.members.get(&node.address) {
                Some(member) => member.entry.clients.clone(),
                None => String::new(),
            },
            weight: node.weight,
            name: view.name_at(&node.address),
            share,
            reachability: remote.as_ref().map(|remote| remote.reachability()),
            requests: remote.as_ref().map_or_else(Vec::new, |remote| remote.counts()),
        });
        let nodes: Vec<_> = nodes.collect();
        let state = self.state();
        let known = self.problems.read();
        let parts = [&known.joining, &known.list, &known.warning].map(Option::as_deref);
        let parts = [Some(known.registry())].into_iter().chain(parts).flatten();
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        Report {
            nodes,
            ring_version: ring.version(),
            state,
            connected: known.registry().is_empty(),
            problem: parts.join("; "),
            ignored_keys: known.ignored_keys,
        }
    }
}
