//! What the demo plays on: a real node, and a client that asks it over gRPC.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tonic::transport::{Channel, Endpoint};

use crate::config::{Config, Group, Plugin};
use crate::node::Node;
use crate::proto::admin_client::AdminClient;
use crate::proto::cache_client::CacheClient;
use crate::proto::{GetRequest, GroupStatus, StatusRequest};

/// The demo's only group.
pub(super) const GROUP: &str = "scores";

/// How long the source takes to answer: long enough to see who waits for whom.
pub(super) const LATENCY: Duration = Duration::from_millis(150);

/// A node and the way to it.
pub(super) struct Stage {
    node: Node,
    channel: Channel,
}

/// A value as text, and how long it took to get it.
pub(super) struct Reply {
    pub(super) value: String,
    pub(super) took: Duration,
}

impl Stage {
    /// Starts the node.
    pub(super) async fn set() -> Result<Self> {
        let mut group = Group::new(GROUP);
        group.retriever = Some(source("key,value\nTom,630\nJack,589\nSam,567\n"));
        let config = Config {
            listen: "127.0.0.1:0".into(),
            http: None,
            groups: vec![group],
            ..Config::default()
        };
        let node = Node::start(config).await.context("the demo's node can't start")?;
        let channel =
            Endpoint::from_shared(format!("http://{}", node.address()))?.connect().await?;
        Ok(Self { node, channel })
    }

    /// Ends the node.
    pub(super) async fn strike(self) {
        drop(self.channel);
        self.node.shutdown().await;
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

    /// Asks the node for one key.
    pub(super) async fn get(&self, key: &'static str) -> Result<Reply> {
        let begin = std::time::Instant::now();
        let request = GetRequest { group: GROUP.into(), key: key.into() };
        let answer = self.cache().get(request).await?.into_inner();
        let value = String::from_utf8(answer.value.to_vec())?;
        Ok(Reply { value, took: begin.elapsed() })
    }

    /// What the node says of the group.
    pub(super) async fn status(&self) -> Result<GroupStatus> {
        let status = self.admin().status(StatusRequest {}).await?.into_inner();
        status.groups.into_iter().next().context("the node has lost its group")
    }

    /// Changes what the source holds, behind the cache's back.
    pub(super) async fn rewrite_source(&self, rows: &str) -> Result<()> {
        self.node.swap_retriever(GROUP, &source(rows)).await?;
        Ok(())
    }
}

/// The static retriever over a table, as slow as a database far away.
fn source(rows: &str) -> Plugin {
    let latency_ms = LATENCY.as_millis().to_string();
    let options = [("data", rows), ("latency-ms", &latency_ms)];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Plugin { options: BTreeMap::from(options), ..Plugin::new("static") }
}
