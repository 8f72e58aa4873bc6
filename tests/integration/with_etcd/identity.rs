//! Addresses that are not what they seem: each names another process than it should, or
//! none, and the node does not start.

use std::net::TcpListener;

use super::cluster::{Cluster, Place, SHORT_LEASE, sees, until};
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
