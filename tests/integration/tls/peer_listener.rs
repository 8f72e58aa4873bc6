//! Nodes with a listener of their own for each other, with TLS and without.

use std::net::TcpListener;

use psycache::proto::PeerRequest;
use psycache::proto::peer_client::PeerClient;
use tonic::{Code, Status};

use super::Files;
use super::peers::exchange;
use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache, psycache_command, stdout};
use crate::patience::seen_blocking;

/// Two nodes of one list, whose addresses are those of their listeners for nodes.
fn pair(args: &[String]) -> [ServedNode; 2] {
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let addresses = free.map(|listener| listener.local_addr().expect("bound").to_string());
    let peers = addresses.join(",");
    addresses.map(|address| {
        let own = ["serve", "--listen", "127.0.0.1:0", "--http", "none", "--peers", &peers];
        let mut command = psycache_command(own);
        command.args(["--peer-listen", &address]).args(args);
        ServedNode::spawn(command)
    })
}

/// What `ask` prints of each node shows that they reach each other.
fn assert_connected(nodes: &[ServedNode; 2], ask: impl Fn(&ServedNode, &[&str]) -> String) {
    for node in nodes {
        assert_ne!(node.address(), node.told("peer"));
        seen_blocking(|| {
            let said = ask(node, &["status", "--json"]);
            let has = |state: &str| said.contains(&format!("\"state\": \"{state}\""));
            (has("connected") && has("holds")).then_some(()).ok_or(said)
        });
    }
    // Each of many keys is found at both nodes, so requests went between them.
    for key in 0..20 {
        ask(&nodes[0], &["set", "default", &key.to_string(), "found"]);
        assert_eq!(ask(&nodes[1], &["get", "default", &key.to_string()]), "found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_call_each_other_at_their_own_listener_and_clients_do_not() {
    let nodes = pair(&[]);
    assert_connected(&nodes, |node, command| stdout(&node.run(command)).to_owned());

    // A node is refused where clients are served, and clients where nodes are.
    let refused = call_as_a_node(nodes[0].address()).await.expect_err("not here");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert!(refused.message().contains("--peer-listen"), "{refused}");
    call_as_a_node(nodes[0].told("peer")).await.expect("anybody may, without TLS and secret");
    let client = psycache(["get", "default", "0", "--node", nodes[0].told("peer")]);
    assert_fails(&client, 1, &["does not answer like a PsyCache node"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_the_listener_of_nodes_asks_for_certificates_of_nodes() {
    let files = Files::new();
    let nodes = pair(&files.mutual());
    let ask = |node: &ServedNode, command: &[&str]| {
        stdout(&files.asks(node.address(), Some(&files.client), command)).to_owned()
    };
    assert_connected(&nodes, ask);
    let refused = exchange(&files, nodes[0].told("peer"), &files.client).await;
    let refused = refused.expect_err("an application is no node");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    exchange(&files, nodes[0].told("peer"), &files.node).await.expect("a node");
    let refused = exchange(&files, nodes[0].address(), &files.node).await;
    assert!(refused.expect_err("not here").message().contains("--peer-listen"));
}

#[test]
fn a_listener_of_nodes_is_protected_as_the_others_are_and_needs_a_cluster() {
    let serve = |args: &[&str]| {
        psycache([&["serve", "--listen", "127.0.0.1:0", "--http", "none"], args].concat())
    };
    let alone = serve(&["--peer-listen", "127.0.0.1:0"]);
    assert_fails(&alone, 2, &["peer-listen is about other nodes", "--peers or --etcd"]);
    let cluster = ["--peers", "10.0.0.1:7403", "--peer-listen", "0.0.0.0:0"];
    let nowhere = serve(&cluster);
    assert_fails(&nowhere, 2, &["peer-listen \"0.0.0.0:0\" is every interface", "--advertise"]);
    let open = serve(&[&cluster[..], &["--advertise", "10.0.0.1:7403"]].concat());
    assert_fails(&open, 1, &["--peer-listen", "--insecure"]);
}

async fn call_as_a_node(address: &str) -> Result<(), Status> {
    let mut peer = PeerClient::connect(format!("http://{address}")).await.expect("it listens");
    peer.call(PeerRequest::default()).await.map(drop)
}
