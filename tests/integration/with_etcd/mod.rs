//! Nodes that find each other in a real etcd. The name of this module is what
//! `cargo xtask test --no-services` leaves out.

mod certificates;
mod proxy;
pub(crate) mod server;

mod members;
mod registry;

mod cluster;
mod economy;
mod identity;
mod metrics;
mod nodes;
mod peer_listener;
mod readme;
mod secured;

mod load;
mod under_load;
