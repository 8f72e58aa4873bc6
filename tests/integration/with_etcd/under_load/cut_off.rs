//! Nodes that some others, or etcd, can't reach.

use std::net::TcpListener;
use std::time::Duration;

use psycache::client::Reason;
use psycache::key::ring_hash;
use psycache::membership::rendezvous::{Ring, RingNode};

use super::super::cluster::{Cluster, GROUP, Place, SHORT_LEASE, sees, until};
use super::super::load::Load;
use super::super::proxy::Proxy;
use super::super::server::Etcd;
use crate::harness::ServedNode;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_etcd_passes_requests_on() {
    let etcd = Etcd::shared().await;
    let mut cluster = Cluster::start_in(etcd, 2, SHORT_LEASE).await;
    let proxy = Proxy::start(etcd.address()).await;
    let through = Some(format!("http://{}", proxy.address()));
    cluster.add(Place { etcd: through, ..Place::default() });
    cluster.agrees().await;
    let clients = [
        cluster.client().await,
        cluster.client_of(&[0]).await,
        // Of the one that is cut off.
        cluster.client_of(&[2]).await,
    ];
    let load = Load::start(&clients, &clients);
    load.lasts().await;
    proxy.close();
    for node in &cluster.nodes[..2] {
        sees(node, 2).await;
    }
    load.lasts().await;
    load.lasts().await;
    proxy.open();
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_do_not_reach_each_other_answer_nothing_old() {
    let mut cluster = Cluster::none(Etcd::shared().await, SHORT_LEASE);
    let mut proxies = Vec::new();
    for _ in 0..3 {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("it is bound");
        let proxy = Proxy::start(address).await;
        drop(free);
        let (listen, advertise) = (Some(address.to_string()), Some(proxy.address()));
        cluster.add(Place { listen, advertise, ..Place::default() });
        proxies.push(proxy);
    }
    cluster.agrees().await;
    let pids: Vec<u32> = cluster.nodes.iter().map(ServedNode::pid).collect();
    let through_one = cluster.client_of(&[0]).await;
    let reading = [cluster.client().await, through_one.clone(), cluster.client_of(&[1]).await];
    // It asks the owner, which all but one reach.
    let load = Load::start(&reading, &reading[..1]);
    load.lasts().await;
    proxies[1].refuse(pids[0]);
    proxies[0].refuse(pids[1]);
    for node in &cluster.nodes[..2] {
        until(node, "it misses the other", |status| {
            status.nodes.len() == 3 && status.nodes.iter().any(|n| n.state == "unreachable")
        })
        .await;
    }
    let node = |proxy: &Proxy| RingNode { address: proxy.address().as_str().into(), weight: 1 };
    let ring = Ring::new(proxies.iter().map(node));
    let owned_by_two = |key: &String| {
        let owner = ring.owner(ring_hash(key)).expect("there are three");
        *ring.nodes()[owner].address == *proxies[1].address()
    };
    let key = (0..).map(|n| format!("key-{n}")).find(owned_by_two).expect("it owns some");
    let impatient = through_one.with_timeout(Duration::from_secs(1));
    let refused = impatient.set(GROUP, &key, "12345678", None).await.expect_err("cut off");
    assert_eq!(refused.reason, Reason::NotConfirmed, "{refused}");
    assert!(refused.message.contains(&proxies[1].address()), "{refused}");
    load.lasts().await;
    proxies[1].open();
    proxies[0].open();
    cluster.agrees().await;
    load.lasts().await;
    load.stop().await.is_complete();
}
