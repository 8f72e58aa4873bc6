//! Slow-loris: requests that come byte by byte, so that they never end.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::{frames, node, open, serves_others, until_refused};
use crate::patience::soon;

/// The pace of the hostile client.
const PACE: Duration = Duration::from_millis(20);

/// Sends the beginning of a request and then a byte at a time, until the node ends it.
async fn dribble(address: &str, beginning: &[u8]) {
    let mut stream = open(address).await;
    stream.write_all(beginning).await.expect("the node takes it");
    let for_ever = async {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(PACE).await;
        }
    };
    soon("the node ends it", for_ever).await;
}

#[tokio::test]
async fn a_request_that_never_becomes_whole_is_ended_on_each_listener() {
    let node = node(&["--first-request-timeout", "500ms"]);
    // The head of a frame of 16,000 bytes with the headers of a call.
    let preface = [&frames::preface()[..], &[0, 0x3e, 0x80, 1, 0, 0, 0, 0, 1]].concat();
    let redis = b"*2\r\n$3\r\nGET\r\n$1000000\r\n";
    let http = b"GET /metrics HTTP/1.1\r\nHost: node\r\nX-Long: ";
    tokio::join!(
        dribble(node.told("listen"), &preface),
        dribble(node.told("redis"), redis),
        dribble(node.told("http"), http),
        serves_others(&node),
    );
    until_refused(&node, "grpc", "first-request", 1).await;
    until_refused(&node, "redis", "first-request", 1).await;
    until_refused(&node, "http", "first-request", 1).await;
    serves_others(&node).await;
}

#[tokio::test]
async fn a_second_request_of_http_that_never_becomes_whole_is_ended_too() {
    let node = node(&["--first-request-timeout", "500ms"]);
    let whole = "GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n";
    let half = "GET /healthz HTTP/1.1\r\nHost: node\r\nX-Long: ";
    dribble(node.told("http"), format!("{whole}{half}").as_bytes()).await;
    serves_others(&node).await;
}
