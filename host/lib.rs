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
//! Features, all on by default: `cli` (the command), `plugins` (WebAssembly), `etcd`,
//! `otlp` (traces), `page` (the page for people on the HTTP port).
#![doc = include_str!("ARCHITECTURE.md")]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub mod client;
pub mod config;
pub mod error;
pub mod node;
pub mod policy;
pub mod retriever;
pub mod telemetry;
pub mod value;

#[doc(hidden)]
pub mod access;
mod backoff;
#[doc(hidden)]
pub mod clock;
mod copies;
#[doc(hidden)]
pub mod flaw;
mod follow;
#[doc(hidden)]
pub mod group;
mod host_port;
#[doc(hidden)]
pub mod key;
#[doc(hidden)]
pub mod membership;
mod nearest;
mod own_task;
#[doc(hidden)]
pub mod ownership;
#[cfg(feature = "plugins")]
#[doc(hidden)]
pub mod plugin;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod shadow;
#[doc(hidden)]
pub mod store;
mod sync;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod transport;

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
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}
