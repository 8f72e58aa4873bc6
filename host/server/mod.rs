//! gRPC in: the services, and the one place where errors become statuses.

mod peer_service;

pub use peer_service::PeerService;
