//! What a scrape reads of the node.

use std::sync::Arc;

use super::shadows::Shadows;
use crate::access::Audit;
use crate::ownership::{self, Ownership};
use crate::server::{Connections, Groups, RedisConnections};
use crate::telemetry::{NodeReading, PeerReading, dropped_spans};
use crate::tls::Certificates;

/// The parts of the node that a scrape reads.
pub(super) struct Reader {
    pub(super) groups: Groups,
    pub(super) ownership: Arc<Ownership>,
    pub(super) shadows: Arc<Shadows>,
    pub(super) redis_connections: Arc<RedisConnections>,
    pub(super) connections: Arc<Connections>,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) audit: Arc<Audit>,
}

impl Reader {
    /// The metrics of the node.
    pub(super) fn read(&self) -> NodeReading {
        let state = self.ownership.report();
        NodeReading {
            groups: self.groups.readings(),
            shadows: self.shadows.readings(),
            peers: peers(&state),
            ring_nodes: state.nodes.len() as u64,
            ring_version: state.ring_version,
            registry_connected: state.connected,
            state: state.state.word(),
            ignored_keys: state.ignored_keys as u64,
            traces_dropped: dropped_spans(),
            redis_connections: self.redis_connections.count(),
            connections: self.connections.reading(),
            certificates: self.certificates.as_ref().map(|certificates| certificates.reading()),
            audited: self.audit.counts(),
        }
    }
}

/// The metrics of the other nodes.
fn peers(state: &ownership::Report) -> Vec<PeerReading> {
    let others = state.nodes.iter().filter(|node| node.reachability.is_some());
    let reading = |node: &ownership::NodeReport| PeerReading {
        peer: node.address.to_string(),
        requests: node.requests.clone(),
    };
    others.map(reading).collect()
}
