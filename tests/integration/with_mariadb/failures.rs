//! What callers are told when a load can't succeed, and that the node serves on.

use tonic::Code;

use super::{SCORES, client, node, refused, serve, shared, value};
use crate::harness::ServedNode;
use crate::patience::soon;

const REJECTED: (Code, &str) = (Code::PermissionDenied, "SOURCE_REJECTED");
const BAD_VALUE: (Code, &str) = (Code::FailedPrecondition, "BAD_VALUE");

#[tokio::test]
async fn a_wrong_password_is_told_with_the_server_and_its_words() {
    let mut command = serve(shared(), SCORES);
    command.args(["--allow-net", &shared().address()]).env("DB_PASSWORD", "wrong");
    let node = ServedNode::spawn(command);
    let parts =
        [shared().address().as_str(), "1045", "Access denied for user 'psy'"].map(str::to_owned);
    let parts = parts.each_ref().map(String::as_str);
    refused(&client(&node).await, "Tom", REJECTED, &parts).await;
}

#[tokio::test]
async fn a_query_that_the_server_does_not_take_is_told_in_its_words() {
    for (query, part) in [
        ("SELECT points FROM student WHERE name = ?", "Unknown column 'points'"),
        ("SELECT score FROM pupil WHERE name = ?", "'school.pupil' doesn't exist"),
        ("SELECT score FORM student WHERE name = ?", "error in your SQL syntax"),
        ("DELETE FROM student WHERE name = ?", "command denied to user 'psy'"),
        ("DO LENGTH(?)", "it must be a SELECT"),
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
    let node = node(shared(), "SELECT REPEAT('x', ?)", &["--load-timeout", "20s"]);
    let client = client(&node).await;
    refused(&client, "104857600", BAD_VALUE, &["can't be cached", "64 MiB"]).await;
    assert_eq!(value(&client, "3").await, "xxx");
}

#[tokio::test]
async fn a_value_above_the_limit_of_its_group_is_told_with_the_limit() {
    let node = node(shared(), "SELECT REPEAT('x', ?)", &["--max-value", "1MiB"]);
    let client = client(&node).await;
    refused(&client, "1048577", BAD_VALUE, &["1048577 bytes", "1048576"]).await;
    assert_eq!(value(&client, "1048576").await.len(), 1_048_576);
}

#[tokio::test]
async fn a_port_that_is_not_allowed_is_told_with_the_flag() {
    let mut command = serve(shared(), SCORES);
    command.args(["--allow-net", "127.0.0.1:1"]);
    let node = ServedNode::spawn(command);
    let address = shared().address();
    refused(&client(&node).await, "Tom", REJECTED, &[&address, "--allow-net"]).await;
    node.signal("TERM");
    let (_, _, log) = node.ended();
    let mend = format!("refused to connect to {address}; allow it with --allow-net {address}");
    assert!(log.contains(&mend), "{log}");
}

#[tokio::test]
async fn a_load_slower_than_its_timeout_is_given_up_in_time() {
    let query = "SELECT score + SLEEP(3600) FROM student WHERE name = ?";
    let node = node(shared(), query, &["--load-timeout", "500ms"]);
    let client = client(&node).await;
    let late = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    for _ in 0..2 {
        soon("it is given up", refused(&client, "Tom", late, &["500 ms"])).await;
    }
    refused(&client, "Nobody", (Code::NotFound, "NOT_FOUND"), &[]).await;
}
