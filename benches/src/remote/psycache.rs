//! Our nodes, and our two kinds of clients.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use psycache::client::{self, Client, ClientConfig};
use psycache::config::{Config, Group, Registry, Tls};
use psycache::group;
use psycache::node::Node;
use psycache::proto;
use psycache::proto::GetRequest;
use psycache::proto::cache_client::CacheClient;
use psycache::value::Origin;
use tonic::transport::Channel;

use super::asker::{Asker, connect, obey, runtime, value_bytes};

const GROUP: &str = "bench";
const WITHIN: Duration = Duration::from_secs(10);

/// The group of a node inside a program, which asks it.
struct Embedded(Arc<group::Group>);

/// The process of a node that knows one other, and serves until the end.
pub(super) fn node(own: &str, other: &str, tls: Option<Tls>) -> Result<()> {
    let runtime = runtime()?;
    let mut group = Group::new(GROUP);
    group.group.ttl = None;
    let mut config = Config::default();
    config.listen = own.to_owned();
    config.http = None;
    config.tls = tls;
    config.groups = vec![group];
    config.cluster.registry = Registry::Static(vec![(own.to_owned(), 1), (other.to_owned(), 1)]);
    let node = runtime.block_on(Node::start(config))?;
    let group = Arc::clone(node.groups().find(GROUP)?);
    obey(&runtime, Embedded(group))
}

impl Asker for Embedded {
    async fn prepare(&self, key: &str) -> Result<bool> {
        self.0.set(key, vec![0; value_bytes(key)?].into(), None, Duration::from_secs(10)).await?;
        Ok(self.0.get(key, WITHIN).await?.origin == Origin::Peer)
    }

    async fn get(&self, key: &str) -> Result<usize> {
        let answer = self.0.get(key, WITHIN).await?;
        match answer.origin {
            Origin::Peer => Ok(answer.value.len()),
            other => bail!("{key} was not had from its owner: {other:?}"),
        }
    }
}

struct Unary(CacheClient<Channel>);

/// The process of a client that makes a call for each get.
pub(super) fn ask_by_calls(node: &str) -> Result<()> {
    let runtime = runtime()?;
    let channel = connect(&runtime, node)?;
    obey(&runtime, Unary(CacheClient::new(channel)))
}

impl Unary {
    async fn ask(&self, key: &str) -> Result<proto::GetResponse> {
        let request = GetRequest {
            group: Bytes::from_static(GROUP.as_bytes()),
            key: Bytes::copy_from_slice(key.as_bytes()),
            may_lend: false,
        };
        Ok(self.0.clone().get(request).await?.into_inner())
    }
}

impl Asker for Unary {
    async fn prepare(&self, key: &str) -> Result<bool> {
        Ok(self.ask(key).await?.origin() == proto::Origin::Peer)
    }

    async fn get(&self, key: &str) -> Result<usize> {
        Ok(self.ask(key).await?.value.len())
    }
}

struct Session(client::Group);

/// The process of a client that knows one node and keeps a session with it.
pub(super) fn ask_on_a_session(node: &str) -> Result<()> {
    let runtime = runtime()?;
    let mut config = ClientConfig::list([node]);
    // Each get is to cost a message.
    config.copies_bytes = 0;
    let client = runtime.block_on(Client::connect(config));
    let client = client.context("there is no client of one node")?;
    obey(&runtime, Session(client.group(GROUP)))
}

impl Asker for Session {
    async fn prepare(&self, key: &str) -> Result<bool> {
        Ok(self.0.get(key).await?.origin == Origin::Peer)
    }

    async fn get(&self, key: &str) -> Result<usize> {
        Ok(self.0.get(key).await?.value.len())
    }
}
