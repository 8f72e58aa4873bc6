//! Sockets that pretend to be servers. Each answers as it was told, and the node serves on.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::Code;

use super::{BAD_VALUE, NOT_FOUND, REJECTED, UNAVAILABLE, client, refused, serve_by, value};
use crate::harness::ServedNode;
use crate::patience::soon;

/// A server that gives each connection the next of `answers`, waits for a request before it, and
/// closes the connection after it. The last one is given for ever.
pub(super) async fn liar(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut at = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if socket.read(&mut request).await.unwrap_or(0) > 0 {
                // Who refuses it closes the connection before it is over.
                let _ = socket.write_all(&answers[at]).await;
                let _ = socket.shutdown().await;
                at = (at + 1).min(answers.len() - 1);
            }
        }
    });
    place
}

pub(super) const HONEST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n630";

/// Asserts that `answer` is refused so, and that the next one is taken.
async fn lies(answer: impl Into<Vec<u8>>, kind: (Code, &str), part: &str) {
    let place = liar(vec![answer.into(), HONEST.into()]).await;
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    refused(&client, "Jack", kind, &[part]).await;
    assert_eq!(value(&client, "Tom").await, "630");
}

#[tokio::test]
async fn a_body_that_is_shorter_than_it_says_is_unavailable() {
    lies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n630", UNAVAILABLE, "3 of 10 bytes").await;
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n630\r\n";
    lies(chunks, UNAVAILABLE, "between chunks").await;
    lies("HTTP/1.1 200 OK\r\nContent-", UNAVAILABLE, "closed the connection").await;
}

#[tokio::test]
async fn what_follows_an_answer_is_not_taken_for_the_next_one() {
    let more = format!("{HONEST}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nforged");
    let place = liar(vec![more.into(), HONEST.into()]).await;
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    for key in ["Tom", "Jack"] {
        assert_eq!(value(&client, key).await, "630");
    }
}

/// A server that gives each request the next of `answers`, and says `more` after it. It leaves
/// each connection open for as long as the other end does, and never says another word on it.
async fn keeper(answers: Vec<&'static str>, more: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut open = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            // What is written is sent at once, not when the answer before it is acknowledged.
            socket.set_nodelay(true).unwrap();
            assert!(socket.read(&mut [0; 4096]).await.unwrap() > 0);
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.write_all(more.as_bytes()).await.unwrap();
            open.push(socket);
        }
        std::future::pending::<()>().await;
    });
    place
}

fn kept(place: &str) -> ServedNode {
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    // One instance, which keeps its connection.
    command.args(["--allow-net", place, "--pool-size", "1"]);
    ServedNode::spawn(command)
}

#[tokio::test]
async fn what_is_said_after_an_answer_is_not_taken_for_the_next_one() {
    let place = keeper(vec![HONEST; 2], "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    let node = kept(&place.await);
    let client = client(&node).await;
    for key in ["Tom", "Jack"] {
        assert_eq!(soon("a new connection is asked", value(&client, key)).await, "630");
    }
}

#[tokio::test]
async fn the_body_of_an_answer_that_is_no_value_is_not_waited_for() {
    for head in ["Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let absent: &str = format!("HTTP/1.1 404 Not Found\r\n{head}\r\n").leak();
        let elsewhere: &str = format!("HTTP/1.1 302 Found\r\nLocation: /x\r\n{head}\r\n").leak();
        let place = keeper(vec![absent, elsewhere, HONEST], "").await;
        let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
        command.args(["--allow-net", &place, "--load-timeout", "1h"]);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        soon("its status is enough", refused(&client, "Jack", NOT_FOUND, &[])).await;
        assert_eq!(soon("its place is enough", value(&client, "Tom")).await, "630");
    }
}

#[tokio::test]
async fn an_answer_whose_end_is_told_twice_is_refused() {
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    lies(both, REJECTED, "content-length and a transfer-encoding").await;
    let two = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n6301";
    lies(two, REJECTED, "more than one").await;
    let coded = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    lies(coded, REJECTED, "gzip, chunked").await;
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n630\r\n0\r\n\r\n";
    lies(chunk, REJECTED, "longer than its size says").await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(200_000));
    lies(endless, REJECTED, "64 KiB").await;
    let many: String = (0..500).map(|at| format!("x{at}: y\r\n")).collect();
    lies(format!("HTTP/1.1 200 OK\r\n{many}\r\n"), REJECTED, "128 headers").await;
    lies("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20), REJECTED, "again and again").await;
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_anything_is_read() {
    for length in ["104857600", "18446744073709551616", "99999999999999999999999999"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        lies(head, BAD_VALUE, "64 MiB").await;
    }
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n";
    lies(chunk, BAD_VALUE, "64 MiB").await;
}

#[tokio::test]
async fn what_is_no_http_is_told_and_can_not_control_a_terminal() {
    lies("SSH-2.0-OpenSSH_9.2\r\n", REJECTED, "does not speak HTTP/1.1").await;
    let reason = "HTTP/1.1 503 \x1b[2J\x07\r\nContent-Length: 0\r\n\r\n";
    let place = liar(vec![reason.into()]).await;
    let mut command = serve_by(&format!("http://{place}/{{key}}"), &[]);
    command.args(["--allow-net", &place]);
    let node = ServedNode::spawn(command);
    let shown = node.run(["get", "scores", "Tom"]);
    assert!(!shown.stderr.contains(&0x1b) && !shown.stderr.contains(&0x07), "{shown:?}");
}
