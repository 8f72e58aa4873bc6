//! Who owns a key: the ring, the other nodes, and the registry they are found in.

pub mod registry;
pub mod ring;

pub mod remote;

pub mod peer;

mod heirs;
mod owners;

pub use heirs::Heirs;
pub use owners::{Cluster, NodeState, Owner, REMEMBERED, State};
