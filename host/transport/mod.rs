//! Requests between nodes, and from clients to nodes: the calls, the connection to a
//! node, and many requests on one stream.

#[cfg(feature = "node")]
pub mod remote;

pub(crate) mod dial;
pub(crate) mod session;

#[cfg(feature = "node")]
pub mod peer;

pub(crate) mod multiplex;
