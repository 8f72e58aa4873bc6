//! A distributed read-through cache whose eviction policies and data sources
//! are WebAssembly components, or Rust.
//!
//! * A program that has a node in it starts with [`node::Node`] and [`config::Config`].
//! * A program that asks a cluster starts with [`client::Client`].
//! * A data source in Rust implements [`retriever::Retriever`], a policy [`policy::Policy`].
//!
//! ```
//! use std::time::Duration;
//!
//! use futures::future::BoxFuture;
//! use psycache::config::{Config, Group, RetrieverChoice};
//! use psycache::node::Node;
//! use psycache::retriever::{FetchError, Fetched, Retriever};
//!
//! struct Lengths;
//!
//! impl Retriever for Lengths {
//!     fn fetch<'a>(
//!         &'a self,
//!         key: &'a str,
//!         _timeout: Duration,
//!     ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
//!         Box::pin(async move { Ok(Some(Fetched::new(key.len().to_string(), None))) })
//!     }
//!
//!     fn name(&self) -> &str {
//!         "lengths"
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut lengths = Group::new("lengths");
//! lengths.retriever = Some(RetrieverChoice::native(Lengths));
//! let mut config = Config::default();
//! config.listen = "127.0.0.1:0".into();
//! config.http = None;
//! config.groups = vec![lengths];
//!
//! let node = Node::start(config).await?;
//! let lengths = node.group("lengths")?;
//! assert_eq!(&lengths.get("Ada").await?.value[..], b"3");
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Items that these pages do not list are for the tests and benchmarks of this repository.
//! They change without notice.
//!
//! Features, all on by default: `node`, `cli` (the command), `plugins` (WebAssembly), `etcd`,
//! `otlp` (traces to a collector), `page` (the page for people on the HTTP port). Without `node`
//! the crate is the client alone, with what a client and a node have in common; the crate
//! `psycache-client` offers that.
#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(
    not(feature = "node"),
    allow(
        dead_code,
        unused_imports,
        reason = "a client uses a part of what it has in common with a node"
    )
)]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub mod client;
#[cfg(feature = "node")]
pub mod config;
pub mod error;
#[cfg(feature = "node")]
pub mod node;
#[cfg(feature = "node")]
pub mod policy;
#[cfg(feature = "node")]
pub mod retriever;
#[cfg(feature = "node")]
pub mod telemetry;
#[cfg(not(feature = "node"))]
#[path = "telemetry/of_client.rs"]
mod telemetry;
pub mod value;

#[cfg(feature = "node")]
#[doc(hidden)]
pub mod access;
mod backoff;
#[doc(hidden)]
pub mod clock;
#[cfg(any(feature = "cli", feature = "page"))]
mod colours;
mod copies;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod flaw;
#[cfg(feature = "node")]
mod follow;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod group;
mod host_port;
#[doc(hidden)]
pub mod key;
#[doc(hidden)]
pub mod membership;
#[cfg(feature = "node")]
mod nearest;
#[cfg(feature = "node")]
mod own_task;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod ownership;
#[cfg(feature = "plugins")]
#[doc(hidden)]
pub mod plugin;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod server;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod shadow;
#[cfg(feature = "node")]
#[doc(hidden)]
pub mod store;
mod sync;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod transport;
#[cfg(any(feature = "cli", feature = "page"))]
mod words;

/// The wire messages and services, generated from `proto/`.
#[doc(hidden)]
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated"
)]
pub mod proto {
    tonic::include_proto!("psycache.v1");

    /// The encoded descriptors of every file, for reflection.
    #[cfg(feature = "node")]
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}
