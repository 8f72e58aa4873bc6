//! A cluster of real processes with one source, and looking at one from outside.

use std::path::PathBuf;
use std::time::Duration;

use psycache::client::{Client, ClientConfig};
use psycache::membership::registry::etcd::EtcdConfig;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::{StatusRequest, StatusResponse};
use tempfile::TempDir;

use super::server::{Etcd, prefix};
use crate::harness::ServedNode;
use crate::museum::exhibits;
use crate::patience;

pub(super) const GROUP: &str = "default";

/// How long a caller waits. No change may fail that had this time.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest lease that etcd grants.
pub(super) const SHORT_LEASE: &str = "2s";

/// Between looks at what tells nobody that it changes.
/// What a node tells of itself; `None`: it does not answer.
async fn look(address: &str) -> Option<StatusResponse> {
    let mut client = AdminClient::connect(format!("http://{address}")).await.ok()?;
    Some(client.status(StatusRequest {}).await.ok()?.into_inner())
}

pub(super) async fn status(node: &ServedNode) -> StatusResponse {
    look(node.address()).await.expect("it answers")
}

/// Waits until the node is as `wanted`.
pub(super) async fn until(
    node: &ServedNode,
    what: &str,
    wanted: impl Fn(&StatusResponse) -> bool,
) -> StatusResponse {
    patience::seen(async || match look(node.address()).await {
        Some(status) if wanted(&status) => Ok(status),
        other => Err(format!("{what}: {other:?}")),
    })
    .await
}

/// Whether the node holds what it owns.
pub(super) fn holds(status: &StatusResponse) -> bool {
    status.registry.as_ref().is_some_and(|registry| registry.state == "holds")
}

/// Waits until the node holds what it owns among so many, and reaches all of them.
pub(super) async fn sees(node: &ServedNode, count: usize) {
    until(node, &format!("{} is one of {count}", node.address()), |status| {
        let up =
            status.nodes.iter().all(|node| matches!(&*node.state, "self" | "connected" | "idle"));
        let connected = status.registry.as_ref().is_some_and(|registry| registry.connected);
        status.nodes.len() == count && up && connected && holds(status)
    })
    .await;
}

/// What differs from one node to the next.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// `None`: a free port.
    pub(super) listen: Option<String>,
    /// `None`: where it listens.
    pub(super) advertise: Option<String>,
    /// `None`: etcd itself.
    pub(super) etcd: Option<String>,
}

/// Nodes that find each other in one etcd, each a process of its own.
pub(super) struct Cluster {
    pub(super) nodes: Vec<ServedNode>,
    etcd: String,
    prefix: String,
    lease: &'static str,
    source: PathBuf,
    _folder: TempDir,
}

impl Cluster {
    /// Starts nodes in an etcd that other tests use too.
    pub(super) async fn start(count: usize, lease: &'static str) -> Self {
        Self::start_in(Etcd::shared().await, count, lease).await
    }

    pub(super) async fn start_in(etcd: &Etcd, count: usize, lease: &'static str) -> Self {
        let mut cluster = Self::none(etcd, lease);
        for _ in 0..count {
            cluster.add(Place::default());
        }
        cluster.agrees().await;
        cluster
    }

    pub(super) fn none(etcd: &Etcd, lease: &'static str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let source = folder.path().join("clock.wasm");
        let component = exhibits::retriever_of(include_str!("clock.wat"));
        std::fs::write(&source, component).expect("it can be written");
        let (etcd, prefix) = (etcd.url(), prefix());
        Self { nodes: Vec::new(), etcd, prefix, lease, source, _folder: folder }
    }

    /// Starts one more node, and waits until it is ready.
    pub(super) fn add(&mut self, place: Place) {
        let node = self.spawn(place);
        self.nodes.push(node);
    }

    /// The same, of which the cluster does not know.
    pub(super) fn spawn(&self, place: Place) -> ServedNode {
        let args = self.args(&place);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        ServedNode::start_at(place.listen.as_deref().unwrap_or("127.0.0.1:0"), &args)
    }

    /// What such a node is started with, besides where it listens.
    pub(super) fn args(&self, place: &Place) -> Vec<String> {
        let source = self.source.display().to_string();
        let etcd = place.etcd.as_deref().unwrap_or(&self.etcd);
        let mut args = vec!["--ttl", "none", "--retriever", &source, "--etcd", etcd];
        args.extend(["--etcd-prefix", &self.prefix, "--lease-ttl", self.lease]);
        args.extend(["--uncertain", "strict"]);
        if let Some(address) = &place.advertise {
            args.extend(["--advertise", address]);
        }
        args.into_iter().map(str::to_owned).collect()
    }

    /// Waits until every node holds what it owns among all of them.
    pub(super) async fn agrees(&self) {
        for node in &self.nodes {
            sees(node, self.nodes.len()).await;
        }
    }

    /// A client that follows the nodes in etcd, and asks the owner.
    pub(super) async fn client(&self) -> Client {
        let mut etcd = EtcdConfig::new(vec![self.etcd.clone()]);
        etcd.prefix.clone_from(&self.prefix);
        connect(ClientConfig::etcd(etcd)).await
    }

    /// A client of some nodes, which ask the others where they have to.
    pub(super) async fn client_of(&self, nodes: &[usize]) -> Client {
        connect(ClientConfig::list(nodes.iter().map(|node| self.nodes[*node].address()))).await
    }

    /// Lets the first node join at once, as if there had been a node in this etcd before.
    pub(super) async fn note_joined(&self, etcd: &Etcd) {
        let mut client = etcd.client().await.expect("etcd runs");
        let status = client.status().await.expect("etcd answers");
        let id = status.header().expect("a header").cluster_id();
        let key = format!("{}/cluster", self.prefix);
        client.put(key, id.to_string(), None).await.expect("etcd answers");
    }

    /// Where etcd has the entry of the node at an address.
    pub(super) fn key_of(&self, address: &str) -> String {
        format!("{}/nodes/{address}", self.prefix)
    }
}

async fn connect(mut config: ClientConfig) -> Client {
    config.timeout = TIMEOUT;
    Client::connect(config).await.expect("it can connect")
}
