//! Follows the nodes that are registered in etcd.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::task::JoinSet;

use super::nodes::{Known, NewNodes, Routes};
use crate::membership::registry::etcd::EtcdConfig;
use crate::membership::registry::{Membership, Observer, RegistryError};
use crate::membership::rendezvous::RingNode;

/// The routes to the nodes in etcd, which follow it.
///
/// # Errors
/// etcd does not answer, or refuses access.
pub(super) async fn routes(
    config: EtcdConfig,
    new_nodes: NewNodes,
) -> Result<Routes, RegistryError> {
    let observer = Observer::start(config).await?;
    let mut membership = observer.membership();
    let known = told(&Known::empty(), &membership.borrow_and_update(), &new_nodes);
    let now = Arc::new(ArcSwap::from_pointee(known));
    let mut following = JoinSet::new();
    let shown = Arc::clone(&now);
    following.spawn(async move {
        // Held, so that it goes on.
        let _observer = observer;
        while membership.changed().await.is_ok() {
            let latest = Arc::clone(&membership.borrow_and_update());
            let known = told(&shown.load(), &latest, &new_nodes);
            shown.store(Arc::new(known));
        }
    });
    Ok(Routes::new(now, following))
}

/// What the registry says.
fn told(before: &Known, membership: &Membership, new_nodes: &NewNodes) -> Known {
    let nodes = membership.nodes.iter();
    let nodes =
        nodes.map(|node| RingNode { address: node.address.as_str().into(), weight: node.weight });
    let mut problem = "no node is registered in etcd".to_owned();
    if !membership.problem.is_empty() {
        problem = format!("{problem}, as far as is known ({})", membership.problem);
    }
    let reached_at = |address: &str| {
        let entry = membership.nodes.iter().find(|entry| entry.address == address);
        entry.map_or(address, |entry| entry.for_clients()).to_owned()
    };
    before.changed(nodes, reached_at, problem, new_nodes)
}
