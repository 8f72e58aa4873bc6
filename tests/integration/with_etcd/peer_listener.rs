//! Nodes that reach each other at an address of their own, which etcd tells, and clients that
//! find theirs there too.

use psycache::client::{Client, ClientConfig};
use psycache::config::EtcdConfig;
use psycache::value::Origin;

use super::cluster::{GROUP, SHORT_LEASE, sees, status};
use super::server::{Etcd, prefix};
use crate::harness::{ServedNode, ending, stdout};

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_follow_etcd_reach_nodes_whose_peers_have_a_listener_of_their_own() {
    let (etcd, prefix) = (Etcd::shared().await, prefix());
    let url = etcd.url();
    let start = || {
        let cluster = ["--etcd", &url, "--etcd-prefix", &prefix, "--lease-ttl", SHORT_LEASE];
        ServedNode::start(&[&cluster[..], &["--peer-listen", "127.0.0.1:0"]].concat())
    };
    let nodes = [start(), start()];
    for node in &nodes {
        sees(node, 2).await;
        let status = status(node).await;
        assert_eq!(status.address, node.told("peer"));
        let mut told: Vec<_> = status.nodes.iter().map(|node| node.clients.as_str()).collect();
        let mut expected = nodes.each_ref().map(ServedNode::address);
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }

    let mut config = EtcdConfig::new(vec![url.clone()]);
    config.prefix = prefix.clone();
    let client = Client::connect(ClientConfig::etcd(config)).await.expect("etcd is there");
    for key in 0..20 {
        let key = key.to_string();
        client.set(GROUP, &key, "1", None).await.expect("it is confirmed");
        // The client asks the owner, and any node finds it.
        let found = client.get(GROUP, &key).await.expect("it was set");
        assert_eq!(found.origin, Origin::Hit, "{found:?}");
        for node in &nodes {
            assert_eq!(stdout(&node.run(["get", "default", &key])), "1");
        }
    }
    let swapped = nodes[0].run(["policy", "swap", "default", "lruk", "--all"]);
    assert_eq!(ending(&swapped).0, Some(0), "{}", ending(&swapped).1);
    for node in &nodes {
        assert_eq!(status(node).await.groups[0].policy.as_ref().expect("one").name, "lruk");
    }
}
