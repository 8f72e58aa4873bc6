//! Nodes come, leave, hang and die while callers go on asking.
//! `PSYCACHE_LOAD_SECONDS=60` makes each phase last as long as one would by hand.

use futures::future::join_all;
use psycache::key::ring_hash;
use psycache::membership::rendezvous::{Ring, RingNode};

use super::load::{Cluster, DEADLINE, GROUP, KEYS, Load, key, status};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_gets_of_a_cold_key_through_all_nodes_are_one_load() {
    let cluster = Cluster::start(3).await;
    let mut clients = Vec::new();
    for node in 0..3 {
        clients.push(cluster.client_of(node).await);
    }
    let gets = (0..100).map(|n| {
        let client = &clients[n % 3];
        async move { client.get(GROUP, &key(7)).await }
    });
    let answers = join_all(gets.collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|a| a.as_ref().is_ok_and(|a| a.value == "value of user:7")));
    assert_eq!(cluster.loads().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_node_joins_without_a_stampede() {
    let mut cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let steady = cluster.loads().await;
    let ring = |cluster: &Cluster| {
        let nodes = cluster.nodes.iter();
        Ring::new(nodes.map(|node| RingNode { address: node.address().into(), weight: 1 }))
    };
    let before = ring(&cluster);
    let load = Load::start(&[cluster.client().await, cluster.client_of(0).await]);
    load.lasts().await;
    cluster.add();
    cluster.agrees().await;
    load.lasts().await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);

    // The nodes use these very rings.
    let after = ring(&cluster);
    assert_eq!(status(&cluster.nodes[3]).await.ring_version, after.version());
    let owner = |ring: &Ring, key: &str| {
        let owner = ring.owner(ring_hash(key)).expect("there are nodes");
        ring.nodes()[owner].address.clone()
    };
    let keys = (0..KEYS).map(key);
    let moved = keys.filter(|key| owner(&before, key) != owner(&after, key)).count();
    let share = moved as f64 / KEYS as f64;
    // Random keys fall a little beside the share of the key space.
    assert!(share <= 0.25 + 0.02 + 0.02, "{share} of the keys moved");

    // Whoever joined asked the node before it, not the source.
    cluster.warm_up().await;
    let extra = cluster.loads().await - steady;
    eprintln!("{moved} of {KEYS} keys moved, {extra} loaded anew after {steady}");
    assert!(extra as f64 <= 0.05 * KEYS as f64, "{extra} loads beside {steady}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_fails_no_request_and_takes_nothing_with_it() {
    let mut cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let load = Load::start(&[cluster.client().await, cluster.client_of(0).await]);
    load.lasts().await;
    let leaving = cluster.nodes.pop().expect("three");
    let loads = cluster.loads().await;
    leaving.signal("TERM");
    let (status, _, log) = leaving.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("handed entries to their next owners"), "{log}");
    cluster.agrees().await;
    load.lasts().await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    cluster.warm_up().await;
    let extra = cluster.loads().await - loads;
    eprintln!("{extra} of {KEYS} keys loaded anew");
    assert!(extra as f64 <= 0.05 * KEYS as f64, "{extra} of a third of {KEYS} keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_costs_loads_until_it_is_noticed_and_no_answer() {
    let mut cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let load = Load::start(&[cluster.client().await, cluster.client_of(0).await]);
    load.lasts().await;
    let killed = cluster.nodes.pop().expect("three");
    killed.signal("KILL");
    drop(killed);
    cluster.agrees().await;
    // What was loaded in the owner's place is kept for a second.
    load.lasts().await;
    load.lasts().await;
    cluster.warm_up().await;
    let noticed = cluster.loads().await;
    load.lasts().await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!(cluster.loads().await, noticed, "no load once it was noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_crashes_and_comes_back_costs_the_others_nothing_that_they_hold() {
    let mut cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let crashed = cluster.nodes.pop().expect("three");
    let mut held = Vec::new();
    for node in &cluster.nodes {
        held.push(status(node).await.groups[0].entries);
    }
    let address = crashed.address().to_owned();
    crashed.signal("KILL");
    drop(crashed);
    cluster.add_at(&address);
    cluster.agrees().await;
    for (node, held) in cluster.nodes.iter().zip(held) {
        assert!(held > 0);
        assert_eq!(status(node).await.groups[0].entries, held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_fails_no_caller() {
    let cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let load = Load::start(&[cluster.client().await, cluster.client_of(0).await]);
    load.lasts().await;
    cluster.nodes[2].signal("STOP");
    load.lasts().await;
    load.lasts().await;
    cluster.nodes[2].signal("CONT");
    cluster.agrees().await;
    load.lasts().await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert!(report.slowest < DEADLINE, "{:?}", report.slowest);
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_goes_and_comes_back_empty_and_no_request_fails() {
    let mut cluster = Cluster::start(3).await;
    cluster.warm_up().await;
    let loads = cluster.loads().await;
    let load = Load::start(&[cluster.client().await, cluster.client_of(0).await]);
    cluster.etcd.stop();
    load.lasts().await;
    load.lasts().await;
    for node in &cluster.nodes {
        assert_eq!(status(node).await.nodes.len(), 3, "the last ring stays");
    }
    cluster.etcd.restart_empty().await;
    cluster.agrees().await;
    load.lasts().await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    assert_eq!(cluster.loads().await, loads, "nothing was loaded anew");
    let mut client = cluster.etcd.client().await.expect("etcd runs");
    let all = etcd_client::GetOptions::new().with_prefix().with_count_only();
    let list = client.get("psycache/nodes/", Some(all)).await.expect("etcd answers");
    assert_eq!(list.count(), 3, "all nodes are back in it");
}
