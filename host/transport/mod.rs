//! How nodes ask each other, and clients ask nodes: what may be asked, the
//! connection to another node, and many requests on one stream.

pub mod remote;

pub mod peer;

pub(crate) mod multiplex;
