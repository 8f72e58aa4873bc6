//! A ring with the nodes that it names, and the rings before it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::membership::registry::Membership;
use crate::membership::rendezvous::Ring;
use crate::transport::remote::Remote;

/// What requests look into. Never changed: another one takes its place.
pub(super) struct Snapshot {
    pub(super) nodes: Arc<Nodes>,
    /// Newest first, each with the time until which it counts.
    pub(super) before: VecDeque<(u64, Arc<Nodes>)>,
    pub(super) membership: Arc<Membership>,
    /// Since when this node has stood in the registry without a gap.
    pub(super) in_touch_since_ms: Option<u64>,
}

/// The nodes that share the keys.
pub(super) struct Nodes {
    pub(super) ring: Ring,
    /// In the ring's order; `None` is this node.
    pub(super) remotes: Vec<Option<Arc<dyn Remote>>>,
}

impl Snapshot {
    /// Since when it will have, with what the registry says next, at `now_ms`.
    pub(super) fn next_in_touch_since_ms(&self, next: &Membership, now_ms: u64) -> Option<u64> {
        let is_same = next.registrations == self.membership.registrations;
        let since_ms = self.in_touch_since_ms.filter(|_| is_same).unwrap_or(now_ms);
        next.connected.then_some(since_ms)
    }

    /// The connection to the node at `address`, if this ring or one before has it.
    pub(super) fn remote_at(&self, address: &str) -> Option<Arc<dyn Remote>> {
        let before = self.before.iter().map(|(_, nodes)| nodes);
        let nodes = std::iter::once(&self.nodes).chain(before);
        let mut remotes = nodes.flat_map(|nodes| nodes.others());
        remotes.find(|remote| remote.address() == address).cloned()
    }

    /// Who owned the key in the rings that count still, the latest first, without
    /// the owner now.
    pub(super) fn previous_owners(
        &self,
        ring_hash: u64,
        now_ms: impl FnOnce() -> u64,
    ) -> Vec<Arc<dyn Remote>> {
        let mut owners: Vec<Arc<dyn Remote>> = Vec::new();
        if self.before.is_empty() {
            return owners;
        }
        let owner = self.nodes.owner(ring_hash).map(|remote| remote.address());
        let now_ms = now_ms();
        for (_, nodes) in self.before.iter().take_while(|(until_ms, _)| *until_ms > now_ms) {
            let Some(remote) = nodes.owner(ring_hash) else {
                continue;
            };
            let address = Some(remote.address());
            if address != owner && owners.iter().all(|known| Some(known.address()) != address) {
                owners.push(Arc::clone(remote));
            }
        }
        owners
    }
}

impl Nodes {
    /// `None`: this node.
    pub(super) fn owner(&self, ring_hash: u64) -> Option<&Arc<dyn Remote>> {
        self.ring.owner(ring_hash).and_then(|index| self.remotes[index].as_ref())
    }

    /// All but this node.
    pub(super) fn others(&self) -> impl Iterator<Item = &Arc<dyn Remote>> {
        self.remotes.iter().flatten()
    }
}
