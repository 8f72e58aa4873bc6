//! Whole parts against real services and real processes, in one binary.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a test that fails says all it knows")]

mod harness;
mod patience;

mod access;
mod certificates;
mod cli;
mod client;
mod clients;
mod clients_grpc;
mod cluster_changes;
mod cluster_group;
mod cluster_peer;
mod cold_keys;
mod compile_cache;
mod compose;
mod config_file;
mod database;
mod demo;
mod example_policy;
mod failing_plugins;
mod fuzz;
mod hostile;
mod http_source;
mod lab;
mod late_sets;
mod light_client;
mod metrics;
mod museum;
mod no_limit;
mod outages;
mod packaging;
mod page;
mod pinned;
mod readme;
mod record;
mod redis;
mod reload;
mod scores;
mod server;
mod service;
mod shadow;
mod sim;
mod status_shape;
mod stop;
mod tls;
mod top;
mod traces;
mod with_etcd;
mod with_mariadb;
mod with_postgres;
mod with_redis;
mod without_etcd;
