//! The crate `groupcache`, used as its documentation recommends. Its copies of other nodes' values
//! are off. Otherwise the second get of a key would not reach the other node.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use groupcache::moka::future::CacheBuilder;
use groupcache::{Groupcache, ValueLoader};
use groupcache_pb::{GetRequest, GroupcacheClient};
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use tonic::transport::{Channel, Server};

use super::asker::{Asker, connect, listen, obey, runtime, value_bytes};

/// Bytes that are cheap to clone, and are encoded as what they are: a list of bytes
/// would become a list of numbers.
#[derive(Clone)]
struct Value(Bytes);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyBytes;
        impl de::Visitor<'_> for AnyBytes {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(Value(Bytes::copy_from_slice(bytes)))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
                Ok(Value(bytes.into()))
            }
        }
        deserializer.deserialize_byte_buf(AnyBytes)
    }
}

/// What the values are made of that the owner loads, and the other node.
pub(super) const OWNER: &str = "o";
pub(super) const OTHER: &str = "n";

struct Loader {
    mark: u8,
}

#[tonic::async_trait]
impl ValueLoader for Loader {
    type Value = Value;

    async fn load(&self, key: &str) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Ok(Value(vec![self.mark; value_bytes(key)?].into()))
    }
}

struct Node {
    other: SocketAddr,
    cache: Groupcache<Value>,
}

/// The process of a node that knows one other.
pub(super) fn node(mark: &str, own: &str, other: &str) -> Result<()> {
    let (address, other): (SocketAddr, SocketAddr) = (own.parse()?, other.parse()?);
    let mark = *mark.as_bytes().first().context("a node has a mark")?;
    let runtime = runtime()?;
    let cache = Groupcache::builder(address.into(), Loader { mark })
        .hot_cache(CacheBuilder::new(0).build())
        .build();
    let incoming = listen(&runtime, own)?;
    let service = cache.grpc_service();
    runtime.spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    obey(&runtime, Node { other, cache })
}

impl Asker for Node {
    async fn prepare(&self, key: &str) -> Result<bool> {
        self.cache.add_peer(self.other.into()).await?;
        Ok(self.cache.get(key).await?.0.starts_with(OWNER.as_bytes()))
    }

    async fn get(&self, key: &str) -> Result<usize> {
        Ok(self.cache.get(key).await?.0.len())
    }
}

struct Client(GroupcacheClient<Channel>);

/// The process of a client of a node.
pub(super) fn ask(node: &str) -> Result<()> {
    let runtime = runtime()?;
    let channel = connect(&runtime, node)?;
    obey(&runtime, Client(GroupcacheClient::new(channel)))
}

impl Client {
    async fn value(&self, key: &str) -> Result<Bytes> {
        let answer = self.0.clone().get(GetRequest { key: key.into() }).await?.into_inner();
        let Value(value) = rmp_serde::from_slice(&answer.value.context("it answered nothing")?)?;
        Ok(value)
    }
}

impl Asker for Client {
    async fn prepare(&self, key: &str) -> Result<bool> {
        Ok(self.value(key).await?.starts_with(OWNER.as_bytes()))
    }

    async fn get(&self, key: &str) -> Result<usize> {
        Ok(self.value(key).await?.len())
    }
}
