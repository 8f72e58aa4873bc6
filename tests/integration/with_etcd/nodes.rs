//! Whole nodes, each a process of its own, as one cache.

use bytes::Bytes;
use psycache::client::{Client, ClientConfig, Reason};
use psycache::value::Origin;

use super::cluster::{GROUP, SHORT_LEASE, sees, status};
use super::server::{Etcd, prefix};
use crate::harness::ServedNode;

/// A node of the cluster with this prefix. The built-in table knows Tom, Jack and Sam.
pub(super) fn start(etcd: &Etcd, prefix: &str) -> ServedNode {
    let url = etcd.url();
    let args = ["--etcd", &url, "--etcd-prefix", prefix, "--lease-ttl", SHORT_LEASE];
    ServedNode::start(&[&["--retriever", "static"], &args[..]].concat())
}

async fn client(node: &ServedNode) -> Client {
    Client::connect(ClientConfig::list([node.address()])).await.expect("it is an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_one_cache_and_shrink_while_they_serve() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let mut nodes: Vec<_> = (0..3).map(|_| start(etcd, &prefix)).collect();
    let (mut versions, mut clients) = (Vec::new(), Vec::new());
    for node in &nodes {
        sees(node, 3).await;
        let status = status(node).await;
        let shares: f64 = status.nodes.iter().map(|node| node.share).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        versions.push(status.ring_version);
        clients.push(client(node).await);
    }
    assert!(versions.iter().all(|version| *version == versions[0] && *version > 0));

    let mut origins = Vec::new();
    for client in clients.iter().chain(&clients) {
        let answer = client.get(GROUP, "Tom").await.expect("Tom is known");
        assert_eq!(answer.value, "630");
        origins.push(answer.origin);
    }
    // Two ask the owner each time, and the owner has it in memory from then on.
    assert_eq!(origins.iter().filter(|origin| **origin == Origin::Peer).count(), 4);
    let mut loads = 0;
    for node in &nodes {
        loads += status(node).await.groups[0].loads;
    }
    assert_eq!(loads, 1);

    clients[1].set(GROUP, "Tom", Bytes::from_static(b"631"), None).await.expect("it is confirmed");
    for client in &clients {
        assert_eq!(client.get(GROUP, "Tom").await.expect("it was set").value, "631");
    }
    assert_eq!(clients[2].remove(GROUP, "Tom").await, Ok(true));
    for client in &clients {
        assert_eq!(client.get(GROUP, "Tom").await.expect("Tom is known").value, "630");
    }

    let leaving = nodes.pop().expect("three");
    leaving.signal("TERM");
    let (code, _, log) = leaving.ended();
    assert!(code.success(), "{log}");
    for (node, client) in nodes.iter().zip(&clients) {
        sees(node, 2).await;
        assert_eq!(client.get(GROUP, "Tom").await.expect("Tom is known").value, "630");
        let missing = client.get(GROUP, "Nobody").await.expect_err("nobody has it");
        assert_eq!(missing.reason, Reason::NotFound);
    }
}
