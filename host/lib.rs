//! A distributed read-through cache whose eviction policies and data sources
//! are WebAssembly components.
//!
//! The modules stand in the order in which a request meets them; each may use
//! only what stands below it.
#![doc = include_str!("ARCHITECTURE.md")]

#[cfg(feature = "cli")]
pub mod cli;

pub mod node;

pub mod config;

pub mod server;

pub mod client;
pub mod group;
pub mod plugin;

pub mod ownership;
pub mod store;

pub mod policy;
pub mod retriever;

pub mod clock;
pub mod error;
#[doc(hidden)]
pub mod flaw;
pub mod key;
mod sync;
pub mod telemetry;
pub mod transport;

pub mod membership;
pub mod value;

/// The wire messages and services, generated from `proto/`.
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
