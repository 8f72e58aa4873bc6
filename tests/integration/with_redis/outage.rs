//! A server that goes away and comes back while the node serves.

use super::{REJECTED, Server, UNAVAILABLE, client, node, refused, serve, value};
use crate::harness::ServedNode;
use crate::outages::{self, Source};

#[tokio::test]
async fn a_node_starts_before_its_server_and_outlives_it() {
    let mut server = Server::start();
    server.stop();
    let node = node(&server, &[], &[]);
    let client = client(&node).await;
    let address = server.address();
    refused(&client, "Tom", UNAVAILABLE, &[&address, "\"redis\"", "refused"]).await;
    server.run_filled();
    assert_eq!(value(&client, "Tom").await, "630");
    server.stop();
    refused(&client, "Jack", UNAVAILABLE, &[&address, "refused"]).await;
    assert_eq!(value(&client, "Tom").await, "630");
    server.run_filled();
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_during_a_command_is_replaced_by_another() {
    let servers = outages::two(Server::start);
    let node = node(&servers[0], &[], &["--load-timeout", "60s"]);
    outages::assert_follows(&node, servers).await;
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_is_replaced_unnoticed() {
    let server = Server::start();
    let node = node(&server, &[], &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    server.does(&["CLIENT", "KILL", "USER", "psy"]);
    assert_eq!(value(&client, "Jack").await, "589");
    assert_eq!(server.ran("auth"), 2);
}

#[tokio::test]
async fn a_server_without_a_free_connection_is_unavailable() {
    let server = Server::start();
    // The place of the one that asks for this, and of nobody else.
    server.does(&["CONFIG", "SET", "maxclients", "1"]);
    let mut holder = server.client(&["SUBSCRIBE", "nothing"]);
    let mut holder = holder.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    let mut lines = std::io::BufReader::new(holder.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut printed).unwrap();
    assert_eq!(printed, "subscribe\n");
    let node = node(&server, &[], &[]);
    // Its words are lost where it closes the connection before it was spoken to.
    refused(&client(&node).await, "Tom", UNAVAILABLE, &[&server.address()]).await;
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[tokio::test]
async fn a_server_that_becomes_a_replica_without_its_master_is_unavailable_unless_it_answers() {
    let server = Server::start();
    let node = node(&server, &[], &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    // Nobody listens there.
    server.does(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(value(&client, "Jack").await, "589");
    server.does(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    refused(&client, "Sam", UNAVAILABLE, &["MASTERDOWN"]).await;
    server.does(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(value(&client, "Sam").await, "567");
}

#[tokio::test]
async fn a_port_that_is_not_allowed_is_told_with_the_flag() {
    let server = Server::start();
    let mut command = serve(&server, &[]);
    command.args(["--allow-net", "127.0.0.1:1"]);
    let node = ServedNode::spawn(command);
    let flag = format!("--allow-net {}", server.address());
    refused(&client(&node).await, "Tom", REJECTED, &[&flag]).await;
}
