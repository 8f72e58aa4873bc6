//! What a node with tokens needs to start, and what it says of itself.

use std::net::TcpListener;

use psycache::config::{Registry, Secret};
use psycache::node::{Node, StartError};
use tonic::Code;

use super::raw::call;
use super::{Tokens, token};
use crate::cli::assert_fails;
use crate::harness::{ServedNode, psycache, psycache_command, run, stdout};

#[test]
fn tokens_are_enough_to_serve_other_machines_and_say_what_is_missing() {
    let tokens = Tokens::of([("operator", "admin", "")]);
    let flags = tokens.flags();
    let node = ServedNode::start_at("0.0.0.0:0", &flags.each_ref().map(String::as_str));
    let port = node.address().rsplit_once(':').unwrap().1.to_owned();
    let mut status = psycache_command(["status", "--json"]);
    status.env("PSYCACHE_NODE", format!("127.0.0.1:{port}"));
    status.env("PSYCACHE_TOKEN_FILE", tokens.token_file("operator"));
    let said = run(status, b"");
    assert!(stdout(&said).contains("\"security\": \"tokens\""), "{said:?}");
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(log.contains("cross the network as plain text"), "{log}");
}

#[test]
fn a_node_does_not_start_with_a_file_that_cant_be_used() {
    let serve = |file: &str| {
        psycache(["serve", "--listen", "127.0.0.1:0", "--http", "none", "--tokens", file])
    };
    assert_fails(&serve("/absent/tokens.toml"), 1, &["/absent/tokens.toml can't be read"]);
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("tokens.toml");
    std::fs::write(&file, "# nobody yet\n").unwrap();
    assert_fails(&serve(file.to_str().unwrap()), 1, &["names no caller", "psycache token new"]);
    std::fs::write(&file, "a = { certificate = 'a', roles = ['read'] }\nb = 1\n").unwrap();
    assert_fails(&serve(file.to_str().unwrap()), 1, &["tokens.toml:2: "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_tokens_keeps_callers_from_calling_as_a_node() {
    let tokens = Tokens::of([("operator", "read write clear admin", "")]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut config = tokens.config();
    config.listen.clone_from(&free);
    config.cluster.registry = Registry::Static(vec![(free, 1)]);
    let refused = Node::start(config.clone()).await.err().expect("it does not start");
    assert!(matches!(refused, StartError::OpenPeers), "{refused}");
    assert!(refused.to_string().contains("--cluster-secret"), "{refused}");

    config.cluster.secret = Some(Secret::new("shared".into()));
    let node = Node::start(config).await.unwrap();
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", node.address()));
    let channel = channel.unwrap().connect().await.unwrap();
    for method in ["psycache.v1.Peer/Exchange", "psycache.v1.Peer/Call"] {
        for shown in [None, Some(token("operator"))] {
            let answer = call(&channel, method, Vec::new(), shown.as_deref()).await;
            assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied, "{method}");
        }
    }
    node.shutdown().await;
}
