//! Requests between nodes, and from clients to nodes: the calls, the connection to a
//! node, and many requests on one stream.

#[cfg(feature = "node")]
pub mod remote;

pub(crate) mod codec;
pub(crate) mod dial;
pub(crate) mod session;
mod session_get;

#[cfg(feature = "node")]
pub mod peer;

pub(crate) mod multiplex;
