//! Nodes that die, hang, or are followed by another process at once.

use super::super::cluster::{Cluster, Place, SHORT_LEASE, sees, until};
use super::super::load::Load;

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_for_the_lease_of_a_node_that_was_killed() {
    let mut cluster = Cluster::start(3, SHORT_LEASE).await;
    let clients = [
        cluster.client().await,
        cluster.client_of(&[0, 1, 2]).await,
        cluster.client_of(&[0]).await,
    ];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    let killed = cluster.nodes.pop().expect("three");
    killed.signal("KILL");
    drop(killed);
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_reused_at_once_by_another_process() {
    let mut cluster = Cluster::start(3, SHORT_LEASE).await;
    let clients = [cluster.client().await, cluster.client_of(&[0, 1, 2]).await];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    let killed = cluster.nodes.pop().expect("three");
    let address = killed.address().to_owned();
    killed.signal("KILL");
    drop(killed);
    cluster.add(Place { listen: Some(address), ..Place::default() });
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_and_comes_back_answers_nothing_old() {
    let cluster = Cluster::start(3, SHORT_LEASE).await;
    let clients = [
        cluster.client().await,
        cluster.client_of(&[0, 1, 2]).await,
        cluster.client_of(&[0]).await,
        // Asked first about all, and again as soon as it is back.
        cluster.client_of(&[2, 0]).await,
    ];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    for _ in 0..2 {
        cluster.nodes[2].signal("STOP");
        for node in &cluster.nodes[..2] {
            until(node, "the one that hangs is gone", |status| status.nodes.len() == 2).await;
            sees(node, 2).await;
        }
        load.lasts().await;
        cluster.nodes[2].signal("CONT");
        cluster.agrees().await;
        load.lasts().await;
    }
    load.stop().await.is_complete();
}
