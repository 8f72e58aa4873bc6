//! Which nodes there are, and the order in which a key prefers them.

#[cfg(any(feature = "etcd", feature = "node"))]
pub mod registry;
#[cfg(any(feature = "etcd", feature = "node"))]
pub mod view;

pub mod rendezvous;
