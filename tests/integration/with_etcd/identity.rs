//! Addresses that are not what they seem: each names another process than it should, or
//! none, and the node does not start.

use std::net::TcpListener;
use std::time::Duration;

use bytes::Bytes;
use psycache::client::{Client, ClientConfig, Reason};

use super::cluster::{Cluster, GROUP, Place, SHORT_LEASE, sees, until};
use super::proxy::Proxy;
use super::server::Etcd;
use crate::harness::{ServedNode, ending, psycache_command, run};

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// What `serve` with these options complains of.
fn refusal(args: &[&str]) -> String {
    let serve = ["serve", "--http", "none"].into_iter();
    let refused = run(psycache_command(serve.chain(args.iter().copied())), b"");
    let (code, complaint) = ending(&refused);
    assert_eq!(code, Some(1), "{complaint}");
    complaint.to_owned()
}

#[test]
fn a_list_that_names_this_node_in_other_words_is_refused() {
    let port = free_port();
    let (listen, listed) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    let complaint = refusal(&["--listen", &listen, "--peers", &listed]);
    assert!(complaint.contains("this node itself"), "{complaint}");
    for mend in [format!("write it as {listen:?}"), format!("--advertise {listed}")] {
        assert!(complaint.contains(&mend), "{mend} is not in {complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_no_host_is_not_advertised() {
    let url = Etcd::shared().await.url();
    for advertised in ["0.0.0.0:7400", "[::]:7400"] {
        let args = ["--listen", "127.0.0.1:0", "--advertise", advertised, "--etcd", &url];
        let complaint = refusal(&args);
        assert!(complaint.contains(advertised), "{complaint}");
        assert!(complaint.contains("--advertise"), "{complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leads_to_another_node_is_refused() {
    let cluster = Cluster::start(1, SHORT_LEASE).await;
    let first = &cluster.nodes[0];
    let to_first = Proxy::start(first.address().parse().expect("an address")).await;
    let args = cluster.args(&Place { advertise: Some(to_first.address()), ..Place::default() });
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let listen = ["--listen", "127.0.0.1:0"].into_iter();
    let complaint = refusal(&listen.chain(args).collect::<Vec<_>>());
    for named in [to_first.address().as_str(), first.address(), "--advertise"] {
        assert!(complaint.contains(named), "{named} is not in {complaint}");
    }
    sees(first, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_addresses_of_a_list_that_are_one_node_are_noticed() {
    let ports = [free_port(), free_port()];
    let [own, other] = ports.map(|port| format!("127.0.0.1:{port}"));
    let proxy = Proxy::start(other.parse().expect("an address")).await;
    let again = proxy.address();
    let peers = format!("{own},{other},{again}");
    // It does not reach itself by the third address when it looks, as it starts.
    proxy.close();
    let _other = ServedNode::start_at(&other, &["--peers", &peers]);
    proxy.open();
    let node = ServedNode::start_at(&own, &["--peers", &peers]);
    until(&node, "it holds nothing", |status| {
        status.registry.as_ref().is_some_and(|registry| registry.problem.contains("are one node"))
    })
    .await;
}

/// Two clusters in one etcd. The entry of the node that crashed stands for so long that the
/// node of the other cluster is asked in its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_another_cluster_took_over_is_not_believed() {
    let etcd = Etcd::shared().await;
    let mut ours = Cluster::none(etcd, "60s");
    ours.note_joined(etcd).await;
    for _ in 0..2 {
        ours.add(Place::default());
    }
    ours.agrees().await;
    let client = ours.client_of(&[0]).await;
    let crashed = ours.nodes.pop().expect("two");
    let address = crashed.address().to_owned();
    crashed.signal("KILL");
    drop(crashed);

    let theirs = Cluster::none(etcd, SHORT_LEASE);
    let stranger = theirs.spawn(Place { listen: Some(address), ..Place::default() });
    sees(&stranger, 1).await;
    let direct =
        Client::connect(ClientConfig::list([stranger.address()])).await.expect("an address");
    let keys: Vec<String> = (0..64).map(|number| format!("key {number}")).collect();
    for key in &keys {
        direct.set(GROUP, key, Bytes::from_static(b"theirs"), None).await.expect("it owns it");
    }

    for key in &keys {
        let answer = client.get(GROUP, key).await.expect("the asked node loads it itself");
        assert_ne!(answer.value, "theirs", "{key}");
    }
    let asked = client.with_timeout(Duration::from_millis(500));
    let removed = asked.remove_many(GROUP, &keys).await.expect("the node answers");
    let refused: Vec<_> = removed.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty(), "the node that crashed owned none of 64 keys");
    for error in refused {
        assert_eq!(error.reason, Reason::NotConfirmed, "{error}");
        assert!(error.message.contains("another cluster"), "{error}");
    }
    for key in &keys {
        let kept = direct.get(GROUP, key).await.expect("it was set");
        assert_eq!(kept.value, "theirs", "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_lease_ttl_does_not_join() {
    let cluster = Cluster::start(1, SHORT_LEASE).await;
    let mut args = cluster.args(&Place::default());
    let ttl = args.iter().position(|arg| arg == SHORT_LEASE).expect("it is given");
    args[ttl] = "3s".into();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let other = ServedNode::start(&args);
    until(&other, "it says which option differs", |status| {
        let problem = status.registry.as_ref().map_or("", |registry| &registry.problem);
        problem.contains("--lease-ttl") && problem.contains(cluster.nodes[0].address())
    })
    .await;
}
