//! Whole nodes, each a process of its own, that find each other in a real etcd.

use std::time::{Duration, Instant};

use bytes::Bytes;
use psycache::proto::admin_client::AdminClient;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{
    GetRequest, Origin, RemoveRequest, SetRequest, StatusRequest, StatusResponse,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::server::Etcd;
use crate::harness::ServedNode;

pub(super) fn start(etcd: &Etcd) -> ServedNode {
    let url = etcd.url();
    // The built-in table knows Tom, Jack and Sam.
    ServedNode::start(&["--retriever", "static", "--etcd", &url, "--lease-ttl", "2s"])
}

async fn channel(node: &ServedNode) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", node.address())).expect("a URL");
    endpoint.connect().await.expect("it answers")
}

async fn status(node: &ServedNode) -> StatusResponse {
    let mut client = AdminClient::new(channel(node).await);
    client.status(StatusRequest {}).await.expect("a status").into_inner()
}

/// Waits until the node has this many in its ring and is in touch with them all.
pub(super) async fn sees(node: &ServedNode, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let status = status(node).await;
        let up = status.nodes.iter().all(|node| matches!(&*node.state, "self" | "connected"));
        if status.nodes.len() == count && up {
            return;
        }
        assert!(Instant::now() < deadline, "not {count} nodes: {:?}", status.nodes);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn get(node: &ServedNode, key: &str, within: Duration) -> Result<(Bytes, Origin), Status> {
    let mut client = CacheClient::new(channel(node).await);
    let key = Bytes::copy_from_slice(key.as_bytes());
    let mut request = Request::new(GetRequest { group: Bytes::from_static(b"default"), key });
    request.set_timeout(within);
    let answer = client.get(request).await?.into_inner();
    Ok((answer.value.clone(), answer.origin()))
}

const WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_one_cache_and_shrink_while_they_serve() {
    let etcd = Etcd::start().await;
    let mut nodes = vec![start(&etcd), start(&etcd), start(&etcd)];
    for node in &nodes {
        sees(node, 3).await;
        let status = status(node).await;
        let shares: f64 = status.nodes.iter().map(|node| node.share).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        assert!(status.registry.expect("one").connected);
    }
    let mut versions = Vec::new();
    for node in &nodes {
        versions.push(status(node).await.ring_version);
    }
    assert!(versions.iter().all(|version| *version == versions[0] && *version > 0));

    let mut origins = Vec::new();
    for node in nodes.iter().chain(&nodes) {
        let (value, origin) = get(node, "Tom", WITHIN).await.expect("Tom is known");
        assert_eq!(value, "630");
        origins.push(origin);
    }
    // Two ask the owner each time, and the owner has it in memory from then on.
    assert_eq!(origins.iter().filter(|origin| **origin == Origin::Peer).count(), 4);
    let mut loads = 0;
    for node in &nodes {
        loads += status(node).await.groups[0].loads;
    }
    assert_eq!(loads, 1);

    let group = Bytes::from_static(b"default");
    let key = Bytes::from_static(b"Tom");
    let mut client = CacheClient::new(channel(&nodes[1]).await);
    let value = Bytes::from_static(b"631");
    let set = SetRequest { group: group.clone(), key: key.clone(), value, ttl_ms: 0 };
    client.set(set).await.expect("all answer");
    for node in &nodes {
        assert_eq!(get(node, "Tom", WITHIN).await.expect("it was set").0, "631");
    }
    let removed = client.remove(RemoveRequest { group, key }).await.expect("all answer");
    assert!(removed.into_inner().existed);
    for node in &nodes {
        assert_eq!(get(node, "Tom", WITHIN).await.expect("Tom is known").0, "630");
    }

    let leaving = nodes.pop().expect("three");
    leaving.signal("TERM");
    let (code, _, log) = leaving.ended();
    assert!(code.success(), "{log}");
    for node in &nodes {
        sees(node, 2).await;
        assert_eq!(get(node, "Tom", WITHIN).await.expect("Tom is known").0, "630");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_delays_nobody_past_the_deadline() {
    let etcd = Etcd::start().await;
    let nodes = [start(&etcd), start(&etcd), start(&etcd)];
    for node in &nodes {
        sees(node, 3).await;
    }
    nodes[2].signal("STOP");
    let within = Duration::from_secs(2);
    for round in 0..10 {
        for key in ["Tom", "Jack", "Sam"] {
            for node in &nodes[..2] {
                let answer = get(node, key, within).await;
                assert!(answer.is_ok(), "{key} in round {round}: {answer:?}");
            }
        }
    }
    nodes[2].signal("CONT");
    for node in &nodes {
        sees(node, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_on_without_etcd() {
    let mut etcd = Etcd::start().await;
    let nodes = [start(&etcd), start(&etcd)];
    for node in &nodes {
        sees(node, 2).await;
    }
    etcd.stop();
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(&nodes[0]).await.registry.expect("one").connected {
        assert!(Instant::now() < deadline, "it does not notice");
        get(&nodes[1], "Jack", WITHIN).await.expect("Jack is known");
    }
    assert!(!status(&nodes[0]).await.registry.expect("one").problem.is_empty());
    for node in &nodes {
        sees(node, 2).await;
        get(node, "Sam", WITHIN).await.expect("Sam is known");
        let missing = get(node, "Nobody", WITHIN).await.expect_err("nobody has it");
        assert_eq!(missing.code(), Code::NotFound);
    }
    etcd.restart_empty().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    for node in &nodes {
        while !status(node).await.registry.expect("one").connected {
            assert!(Instant::now() < deadline, "it does not come back");
        }
        sees(node, 2).await;
    }
}
