//! The Redis protocol: over sockets, byte by byte, and by the clients that people have.

mod bad_input;
mod calls;
mod limits;
mod pipelines;
mod stop;
pub(crate) mod wire;

mod cluster;
mod with_clients;
