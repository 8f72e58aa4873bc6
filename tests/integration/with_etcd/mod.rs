//! Nodes that find each other in a real etcd. The name of this module is what
//! `cargo xtask test --no-services` leaves out.

mod certificates;
pub(crate) mod server;

mod economy;
mod metrics;
mod nodes;
mod readme;
// mod registry;
mod secured;

mod load;
mod under_load;
