//! Nodes that come, and that leave as they should.

use futures::future::join_all;

use super::super::cluster::{Cluster, GROUP, Place, SHORT_LEASE, sees};
use super::super::load::{KEYS, Load, loaded_anew, read_all};
use crate::harness::ServedNode;

/// So long that no node of a busy machine loses it by accident.
const LEASE: &str = "5s";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_gets_of_a_cold_key_through_all_nodes_are_one_load() {
    let cluster = Cluster::start(3, LEASE).await;
    let mut clients = Vec::new();
    for node in 0..3 {
        clients.push(cluster.client_of(&[node]).await);
    }
    let gets = (0..100).map(|n| clients[n % 3].get(GROUP, "cold"));
    let answers = join_all(gets.collect::<Vec<_>>()).await;
    let values: Vec<_> = answers.into_iter().map(|get| get.expect("found").value).collect();
    assert!(values.iter().all(|value| *value == values[0]), "they are of several loads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_fails_no_call_and_takes_nothing_with_it() {
    let mut cluster = Cluster::start(3, LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0]).await];
    let before = read_all(&clients[1]).await;
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    let leaving = cluster.nodes.pop().expect("three");
    leaving.signal("TERM");
    let (status, _, log) = leaving.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("handed entries to their next owners"), "{log}");
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
    let anew = loaded_anew(&before, &read_all(&clients[1]).await);
    eprintln!("{anew} of {KEYS} entries loaded anew");
    assert!(anew * 50 <= KEYS, "{anew} of {KEYS} entries were loaded anew");
}

/// `PSYCACHE_NODES=32` rolls a larger cluster.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_call_and_keeps_what_is_held() {
    let count = std::env::var("PSYCACHE_NODES").map_or(4, |count| count.parse().expect("a number"));
    let mut cluster = Cluster::start(count, LEASE).await;
    let all = cluster.client_of(&(0..count).collect::<Vec<_>>()).await;
    let clients = [cluster.client().await, all.clone()];
    let before = read_all(&all).await;
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    for _ in 0..count {
        let leaving = cluster.nodes.remove(0);
        let address = leaving.address().to_owned();
        leaving.signal("TERM");
        let (status, _, log) = leaving.ended();
        assert!(status.success(), "{log}");
        cluster.add(Place { listen: Some(address), ..Place::default() });
        cluster.agrees().await;
    }
    load.lasts().await;
    load.stop().await.is_complete();
    let anew = loaded_anew(&before, &read_all(&all).await);
    eprintln!("{anew} of {KEYS} entries loaded anew");
    assert!(anew * 50 <= KEYS, "{anew} of {KEYS} entries were loaded anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_join_at_once_take_over_what_they_own() {
    let mut cluster = Cluster::start(2, SHORT_LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0, 1]).await];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    let starting = [(); 2].map(|()| {
        let args = cluster.args(&Place::default());
        let start = move || ServedNode::start(&args.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(start)
    });
    for node in join_all(starting).await {
        cluster.nodes.push(node.expect("it starts"));
    }
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
}

/// The last one leaves nobody, and the next start waits for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_ends_and_begins_again() {
    let mut cluster = Cluster::start(2, SHORT_LEASE).await;
    for node in cluster.nodes.drain(..) {
        node.signal("TERM");
        let (status, _, log) = node.ended();
        assert!(status.success(), "{log}");
    }
    cluster.add(Place::default());
    sees(&cluster.nodes[0], 1).await;
    cluster.nodes[0].signal("TERM");
    let (_, _, log) = cluster.nodes.pop().expect("one").ended();
    assert!(!log.contains("it waits for leases"), "{log}");
}
