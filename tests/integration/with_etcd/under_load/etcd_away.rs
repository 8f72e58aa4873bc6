//! An etcd that goes away, with its data or without.

use std::time::Duration;

use psycache::client::Reason;

use super::super::cluster::{Cluster, GROUP, SHORT_LEASE, status, until};
use super::super::load::{Load, loaded_anew, read_all};
use super::super::server::Etcd;

/// Waits until all nodes have noticed that etcd is away.
async fn is_missed(cluster: &Cluster) {
    for node in &cluster.nodes {
        until(node, "it misses etcd", |status| {
            status.registry.as_ref().is_some_and(|registry| !registry.connected)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_vouch_for_each_other_while_etcd_is_away() {
    let mut etcd = Etcd::start().await;
    let cluster = Cluster::start_in(&etcd, 3, SHORT_LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0]).await];
    let before = read_all(&clients[1]).await;
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    etcd.stop();
    is_missed(&cluster).await;
    // A phase takes more than a second, and leases end after two.
    for _ in 0..5 {
        load.lasts().await;
    }
    for node in &cluster.nodes {
        let status = status(node).await;
        let registry = status.registry.expect("one");
        assert!(!registry.connected && !registry.problem.is_empty(), "{registry:?}");
        assert_eq!((&*registry.state, status.nodes.len()), ("holds", 3));
    }
    etcd.run().await;
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
    assert_eq!(loaded_anew(&before, &read_all(&clients[1]).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_register_anew_in_an_etcd_that_was_emptied() {
    let mut etcd = Etcd::start().await;
    let cluster = Cluster::start_in(&etcd, 3, SHORT_LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0]).await];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    etcd.stop();
    is_missed(&cluster).await;
    etcd.restart_empty().await;
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
    let mut client = etcd.client().await.expect("etcd runs");
    for node in &cluster.nodes {
        let entry = client.get(cluster.key_of(node.address()), None).await.expect("an answer");
        assert_eq!(entry.count(), 1, "{} is back in it", node.address());
    }
}

/// The one case in which a crash stops changes of all keys: nobody can tell who is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_etcd_is_away_ends_certainty_until_it_is_back() {
    let mut etcd = Etcd::start().await;
    let mut cluster = Cluster::start_in(&etcd, 3, SHORT_LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0]).await];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    etcd.stop();
    is_missed(&cluster).await;
    drop(cluster.nodes.pop());
    for node in &cluster.nodes {
        until(node, "it is uncertain", |status| {
            status.registry.as_ref().is_some_and(|registry| registry.state == "uncertain")
        })
        .await;
    }
    let impatient = clients[1].with_timeout(Duration::from_secs(1));
    let refused = impatient.set(GROUP, "Tom", "12345678", None).await.expect_err("uncertain");
    assert_eq!(refused.reason, Reason::NotConfirmed, "{refused}");
    let value = impatient.get(GROUP, "Tom").await.expect("it is loaded").value;
    let again = impatient.get(GROUP, "Tom").await.expect("it is loaded").value;
    assert_ne!(value, again, "nothing is kept");
    etcd.run().await;
    cluster.agrees().await;
    load.lasts().await;
    let report = load.stop().await;
    report.is_fresh();
    let not_confirmed = |(reason, _): &(Reason, String)| *reason == Reason::NotConfirmed;
    assert!(report.failed_changes.iter().all(not_confirmed), "{:#?}", report.failed_changes);
}
