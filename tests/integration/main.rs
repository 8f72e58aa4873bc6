//! Whole parts against real services, in one binary.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

mod etcd;

mod cluster_peer;
mod cluster_registry;
