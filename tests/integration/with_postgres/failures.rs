//! What callers are told when a load can't succeed, and that the node serves on.

use tokio::net::TcpListener;

use super::{
    BAD_VALUE, LATE, REJECTED, SCORES, client, node, refused, serve, serve_by, shared, value,
};
use crate::harness::ServedNode;
use crate::patience::soon;

#[tokio::test]
async fn a_query_that_the_server_does_not_take_is_told_in_its_words() {
    for (query, part) in [
        ("SELECT points FROM student WHERE name = $1", "column \"points\" does not exist"),
        ("SELECT score FROM pupil WHERE name = $1", "relation \"pupil\" does not exist"),
        ("SELECT score FORM student WHERE name = $1", "syntax error"),
        ("SELECT score FROM student WHERE name = $1 AND score = $2", "08P01"),
        ("SELECT 1 AS \"$1\"", "08P01"),
        ("SELECT $1; SELECT 2", "multiple commands"),
        ("LOCK TABLE student -- $1", "08P01"),
    ] {
        let node = node(shared(), query, &[]);
        refused(&client(&node).await, "Tom", REJECTED, &[part]).await;
    }
}

#[tokio::test]
async fn a_null_is_no_value_and_is_told_with_its_column() {
    let node = node(shared(), SCORES, &[]);
    let client = client(&node).await;
    refused(&client, "Una", BAD_VALUE, &["column `score` is NULL", SCORES]).await;
    assert_eq!(value(&client, "Sam").await, "567");
}

#[tokio::test]
async fn a_value_of_100_mb_is_refused_by_its_size_and_the_node_serves_on() {
    let query = "SELECT repeat('x', $1::int)";
    let node = node(shared(), query, &["--load-timeout", "20s"]);
    let client = client(&node).await;
    refused(&client, "104857600", BAD_VALUE, &["can't be cached", "64 MiB"]).await;
    assert_eq!(value(&client, "3").await, "xxx");
    let large = node.run(["get", "scores", "67108000", "--timeout", "60s"]);
    assert_eq!(large.stdout.len(), 67_108_000, "{}", String::from_utf8_lossy(&large.stderr));
}

#[tokio::test]
async fn a_port_that_is_not_allowed_is_told_with_the_flag() {
    let mut command = serve(shared(), SCORES);
    command.args(["--allow-net", "127.0.0.1:1"]);
    let node = ServedNode::spawn(command);
    let flag = format!("--allow-net {}", shared().address());
    refused(&client(&node).await, "Tom", REJECTED, &[&flag]).await;
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_costs_no_more_than_the_load_has() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for tls in ["true", "false"] {
        let dsn = format!("postgres://psy@{address}/school");
        let mut command = serve_by(&dsn, SCORES, &[("tls", tls)]);
        command.args(["--allow-net", &address, "--load-timeout", "300ms"]);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        soon("it is given up", refused(&client, "Tom", LATE, &["300 ms"])).await;
    }
}
