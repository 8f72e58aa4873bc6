//! Which nodes there are, and the order in which a key prefers them.

pub mod registry;
pub mod view;

pub mod rendezvous;
