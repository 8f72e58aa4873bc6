//! The metrics of a ring that changes and of a registry that goes away.

use std::cell::{OnceCell, RefCell};

use super::nodes::start;
use super::server::Etcd;
use crate::metrics::movement::Moves::{Down, Elsewhere, Up};
use crate::metrics::movement::assert_moves;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_and_the_registry_move_their_metrics() {
    let etcd = Etcd::start().await;
    let node = start(&etcd, "psycache");
    let second = OnceCell::new();
    let join = || {
        second.get_or_init(|| start(&etcd, "psycache"));
    };
    let (nodes, version) = ("psycache_ring_nodes", "psycache_ring_version");
    assert_moves(&node, join, &[(nodes, &[], Up), (version, &[], Elsewhere)]).await;
    let leave = || second.get().expect("it joined").signal("TERM");
    assert_moves(&node, leave, &[(nodes, &[], Down), (version, &[], Elsewhere)]).await;

    let etcd = RefCell::new(etcd);
    let stop = || etcd.borrow_mut().stop();
    assert_moves(&node, stop, &[("psycache_registry_connected", &[], Down)]).await;
}
