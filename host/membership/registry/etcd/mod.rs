//! The registry in etcd. Without the feature `etcd` only its configuration exists.

#[cfg(feature = "etcd")]
mod client;
mod config;
#[cfg(feature = "etcd")]
mod keys;
#[cfg(feature = "etcd")]
mod requests;

#[cfg(feature = "etcd")]
pub use client::Etcd;
pub use config::{EtcdConfig, EtcdTls};
