//! Nodes that know each other by certificates, or by a secret.

use std::net::TcpListener;
use std::process::Command;

use psycache::proto::PeerRequest;
use psycache::proto::peer_client::PeerClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic::{Code, Request, Status};

use super::{Files, Signed, flags, text};
use crate::certificates::Valid;
use crate::harness::{ServedNode, psycache_command, stderr, stdout};
use crate::patience::seen_blocking;

/// Starts two nodes of one list, with these arguments each.
fn pair(args: [Vec<String>; 2]) -> [ServedNode; 2] {
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let addresses = free.map(|listener| listener.local_addr().expect("bound").to_string());
    let peers = addresses.join(",");
    let mut args = args.into_iter();
    addresses.map(|address| {
        let own = ["serve", "--listen", &address, "--http", "none", "--peers", &peers];
        let mut command: Command = psycache_command(own);
        command.args(args.next().unwrap_or_default());
        ServedNode::spawn(command)
    })
}

/// The state of the other node, and the problem with it, as `node` says.
fn other(said: &str) -> (String, String) {
    let status: serde_json::Value = serde_json::from_str(said).unwrap();
    let nodes = status["nodes"].as_array().unwrap();
    let other = nodes.iter().find(|node| node["state"] != "self").unwrap();
    let text = |field: &str| other[field].as_str().unwrap_or_default().to_owned();
    (text("state"), text("problem"))
}

/// Asks for the status until the other node is in `state`.
fn until(state: &str, status: impl Fn() -> String) -> String {
    seen_blocking(|| match other(&status()) {
        (now, problem) if now == state => Ok(problem),
        (now, problem) => Err(format!("it is {now}, not {state}: {problem}")),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_reach_each_other_by_certificates_and_nobody_else_calls_as_a_node() {
    let files = Files::new();
    let nodes = pair([files.mutual(), files.mutual()]);
    for node in &nodes {
        let status = || {
            let said = files.asks(node.address(), Some(&files.client), &["status", "--json"]);
            stdout(&said).to_owned()
        };
        until("connected", status);
    }
    // Each of many keys is found at both nodes, so requests went between them.
    for key in 0..20 {
        let key = key.to_string();
        let [one, two] = &nodes;
        let set = files.asks(one.address(), Some(&files.client), &["set", "default", &key, &key]);
        assert!(set.status.success(), "{}", stderr(&set));
        let got = files.asks(two.address(), Some(&files.client), &["get", "default", &key]);
        assert_eq!(stdout(&got), key, "{}", stderr(&got));
    }

    // An application has a certificate of the same authority, and is no node.
    let refused = exchange(&files, nodes[0].address(), &files.client).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    assert!(refused.message().contains("the certificate has application"), "{refused:?}");
    // The same call with the certificate of a node.
    exchange(&files, nodes[0].address(), &files.node).await.unwrap();
}

/// Opens the stream of nodes at `address`, with the certificate `shown`, and makes a call.
pub(super) async fn exchange(files: &Files, address: &str, shown: &Signed) -> Result<(), Status> {
    let read = |path| std::fs::read_to_string(path).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(files.authority.pem()))
        .identity(Identity::from_pem(read(&shown.cert), read(&shown.key)));
    let channel = Channel::from_shared(format!("https://{address}")).unwrap();
    let channel = channel.tls_config(tls).unwrap().connect().await.unwrap();
    let mut peer = PeerClient::new(channel);
    let stream = peer.exchange(tokio_stream::pending()).await.map(drop);
    let call = peer.call(Request::new(PeerRequest::default())).await.map(drop);
    assert_eq!(stream.is_ok(), call.is_ok(), "both are guarded: {stream:?} {call:?}");
    stream
}

#[test]
fn a_node_with_the_certificate_of_another_host_is_none_unless_its_name_is_configured() {
    let files = Files::new();
    let named = files.authority.sign(files.path(), "named", &["node.cache.internal"], Valid::Now);
    let mutual = |signed: &Signed, names: &[&str]| {
        let mut args = flags(signed);
        args.extend(["--tls-client-ca".into(), text(&files.ca)]);
        args.extend(names.iter().flat_map(|name| ["--tls-peer-names".into(), (*name).to_owned()]));
        args
    };
    let status = |node: &ServedNode| {
        let said = files.asks(node.address(), Some(&files.client), &["status", "--json"]);
        stdout(&said).to_owned()
    };
    // The second has the certificate of a host that is not its own.
    let nodes = pair([mutual(&files.node, &[]), mutual(&named, &[])]);
    // A get of a key of the other makes it ask.
    for key in 0..8 {
        files.asks(nodes[0].address(), Some(&files.client), &["get", "default", &key.to_string()]);
    }
    let problem = until("unreachable", || status(&nodes[0]));
    assert!(problem.contains("its certificate is for"), "{problem}");
    assert!(problem.contains("node.cache.internal"), "{problem}");

    // With its name, both are nodes: one by its host, the other by its name.
    let names = ["*.cache.internal"];
    let nodes = pair([mutual(&files.node, &names), mutual(&named, &names)]);
    // The command is given no such pattern, so only the first can be asked.
    let first = &nodes[0];
    until("connected", || status(first));
}

#[test]
fn nodes_with_a_secret_refuse_one_with_another() {
    let scratch = tempfile::tempdir().unwrap();
    let secret = |name: &str, content: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, content).unwrap();
        vec!["--cluster-secret".to_owned(), format!("file:{}", text(&path))]
    };
    let status = |node: &ServedNode| stdout(&node.run(["status", "--json"])).to_owned();
    let right = secret("right", "0123456789abcdef\n");
    let nodes = pair([right.clone(), right.clone()]);
    for node in &nodes {
        until("connected", || status(node));
    }
    for stranger in [secret("wrong", "fedcba9876543210\n"), Vec::new()] {
        let nodes = pair([right.clone(), stranger]);
        // A get of a key of the other makes it ask.
        for key in 0..8 {
            nodes[1].run(["get", "default", &key.to_string()]);
        }
        let problem = until("unreachable", || status(&nodes[1]));
        assert!(problem.contains("the secret of this cluster"), "{problem}");
    }
}
