//! The cluster of the demo: real nodes, and clients that call them over gRPC.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tonic::transport::{Channel, Endpoint};

use crate::config::{Cluster, Config, Group, Plugin, Registry};
use crate::key::ring_hash;
use crate::membership::registry::InMemory;
use crate::membership::rendezvous::{Ring, RingNode};
use crate::node::Node;
use crate::proto::admin_client::AdminClient;
use crate::proto::cache_client::CacheClient;
use crate::proto::{GetRequest, GroupStatus, Origin, StatusRequest, StatusResponse};

/// The demo's only group.
pub(super) const GROUP: &str = "scores";

/// How long the source takes to answer: long enough that waiting is visible.
pub(super) const LATENCY: Duration = Duration::from_millis(150);

/// How long nodes of one machine take at most to learn of a change.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// The nodes, and the table of their source.
pub(super) struct Stage {
    register: InMemory,
    source: Plugin,
    actors: Vec<Actor>,
}

/// A node, its name, and a connection to it.
pub(super) struct Actor {
    name: &'static str,
    node: Node,
    channel: Channel,
}

/// An answer as text, its origin, and how long it took.
pub(super) struct Reply {
    pub(super) value: String,
    pub(super) origin: Origin,
    pub(super) took: Duration,
}

impl Stage {
    /// Starts nodes of these names, whose source holds `rows`.
    pub(super) async fn set(names: &[&'static str], rows: &str) -> Result<Self> {
        let mut stage =
            Self { register: InMemory::new(), source: source(rows), actors: Vec::new() };
        for name in names {
            stage.enter(name).await?;
        }
        Ok(stage)
    }

    /// Starts one more node, and waits until every node knows all others.
    pub(super) async fn enter(&mut self, name: &'static str) -> Result<()> {
        let mut group = Group::new(GROUP);
        group.retriever = Some(self.source.clone().into());
        let registry = Registry::InMemory(self.register.clone());
        let config = Config {
            listen: "127.0.0.1:0".into(),
            http: None,
            groups: vec![group],
            cluster: Cluster { registry, ..Cluster::default() },
            ..Config::default()
        };
        let node = Node::start(config).await.context("a node of the demo can't start")?;
        let channel =
            Endpoint::from_shared(format!("http://{}", node.address()))?.connect().await?;
        self.actors.push(Actor { name, node, channel });
        self.settle().await
    }

    /// Stops the node of this name as SIGTERM would, and waits until the others have removed it
    /// from their rings.
    pub(super) async fn exit(&mut self, name: &str) -> Result<()> {
        let at = self.actors.iter().position(|actor| actor.name == name);
        let actor = self.actors.remove(at.context("no node has this name")?);
        drop(actor.channel);
        actor.node.shutdown().await;
        self.settle().await
    }

    /// Ends every node.
    pub(super) async fn strike(self) {
        for actor in self.actors {
            drop(actor.channel);
            actor.node.shutdown().await;
        }
    }

    async fn settle(&self) -> Result<()> {
        let deadline = Instant::now() + SEEN_WITHIN;
        for actor in &self.actors {
            loop {
                let nodes = actor.status().await?.nodes;
                if nodes.len() == self.actors.len() {
                    break;
                }
                ensure!(Instant::now() < deadline, "node {} does not see the others", actor.name);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(())
    }

    /// The nodes, in the order in which they came.
    pub(super) fn actors(&self) -> &[Actor] {
        &self.actors
    }

    /// Any one node.
    pub(super) fn any(&self) -> &Actor {
        &self.actors[0]
    }

    /// The ring, made from the status of the nodes.
    pub(super) async fn ring(&self) -> Result<Ring> {
        let mut rings = Vec::new();
        for actor in &self.actors {
            let nodes = actor.status().await?.nodes.into_iter();
            let nodes =
                nodes.map(|node| RingNode { address: node.address.into(), weight: node.weight });
            rings.push(Ring::new(nodes));
        }
        let ring = rings.pop().context("there are no nodes")?;
        ensure!(
            rings.iter().all(|other| other.version() == ring.version()),
            "the nodes do not agree on the ring"
        );
        Ok(ring)
    }

    /// Who owns `key` in `ring`.
    pub(super) fn owner(&self, ring: &Ring, key: &str) -> Result<&Actor> {
        let at = ring.owner(ring_hash(key)).context("the ring is empty")?;
        let address = &*ring.nodes()[at].address;
        let owner = self.actors.iter().find(|actor| actor.address().to_string() == address);
        owner.with_context(|| format!("{address} is none of the demo's nodes"))
    }

    /// How often the source was asked, by all nodes together.
    pub(super) async fn loads(&self) -> Result<u64> {
        let mut loads = 0;
        for actor in &self.actors {
            loads += actor.group().await?.loads;
        }
        Ok(loads)
    }

    /// Changes a row of the source, without telling the cache.
    pub(super) async fn rewrite_source(&mut self, rows: &str) -> Result<()> {
        self.source = source(rows);
        for actor in &self.actors {
            actor.node.swap_retriever(GROUP, &self.source.clone().into()).await?;
        }
        Ok(())
    }
}

impl Actor {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.node.address()
    }

    pub(super) fn cache(&self) -> CacheClient<Channel> {
        CacheClient::new(self.channel.clone())
    }

    pub(super) fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel.clone())
    }

    /// Asks this node for one key.
    pub(super) async fn get(&self, key: &str) -> Result<Reply> {
        let begin = Instant::now();
        let request =
            GetRequest { group: GROUP.into(), key: key.to_owned().into(), may_lend: false };
        let answer = self.cache().get(request).await?.into_inner();
        let took = begin.elapsed();
        let origin = answer.origin();
        Ok(Reply { value: String::from_utf8(answer.value.into())?, origin, took })
    }

    /// The status of this node.
    pub(super) async fn status(&self) -> Result<StatusResponse> {
        Ok(self.admin().status(StatusRequest {}).await?.into_inner())
    }

    /// The status of the group at this node.
    pub(super) async fn group(&self) -> Result<GroupStatus> {
        let groups = self.status().await?.groups;
        groups.into_iter().next().context("a node has lost its group")
    }
}

/// The static retriever over a table, with the delay of a remote database.
fn source(rows: &str) -> Plugin {
    let latency_ms = LATENCY.as_millis().to_string();
    let options = [("data", rows), ("latency-ms", &latency_ms)];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Plugin { options: BTreeMap::from(options), ..Plugin::new("static") }
}
