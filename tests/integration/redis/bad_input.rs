//! What no client should send.

use super::wire::{Wire, array};
use crate::server::{Served, page, served};

/// The node still answers, and knows of no connection but the one that asks.
async fn is_well(served: &Served) {
    let mut wire = Wire::open(served.redis).await;
    wire.call("PING", "+PONG\r\n").await;
    while wire.text("CLIENT LIST").await.lines().count() > 1 {}
}

#[tokio::test]
async fn a_length_that_lies_ends_the_connection_with_the_reason() {
    let served = served().await;
    for (bytes, expected) in [
        (&b"*2147483648\r\n"[..], "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (
            b"*1\r\n$4\r\nPING!!",
            "-ERR Protocol error: an argument does not end where its length says\r\n",
        ),
        (b"*1\r\n:4\r\n", "-ERR Protocol error: expected '$', got ':'\r\n"),
        (b"GET 'a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        let mut wire = Wire::open(served.redis).await;
        wire.send("ECHO a\r\n").await;
        wire.send(bytes).await;
        let answer = String::from_utf8(wire.rest().await).unwrap();
        assert_eq!(answer, format!("$1\r\na\r\n{expected}"));
    }
    let mut wire = Wire::open(served.redis).await;
    wire.send("*1\r\n$2147483648\r\n").await;
    let answer = String::from_utf8(wire.rest().await).unwrap();
    assert!(answer.contains("the request is longer than 67174400 bytes"), "{answer}");
    is_well(&served).await;
}

#[tokio::test]
async fn arrays_in_arrays_and_a_line_without_an_end_are_refused_early() {
    let served = served().await;
    for (bytes, part) in [
        ("*1\r\n".repeat(100_000), "expected '$', got '*'"),
        ("a".repeat(1 << 20), "too big inline request"),
    ] {
        let mut wire = Wire::open(served.redis).await;
        let (mut reader, mut writer) = wire.stream.split();
        let sent = async {
            // The node reads no more, so this can fail.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut writer, bytes.as_bytes()).await;
        };
        let read = async {
            let mut answer = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await;
            String::from_utf8(answer).unwrap()
        };
        let ((), answer) = tokio::join!(sent, read);
        // The end can overtake the answer, because bytes are left unread.
        assert!(answer.is_empty() || answer.contains(part), "{answer}");
    }
    is_well(&served).await;
}

#[tokio::test]
async fn a_web_page_that_posts_commands_changes_nothing() {
    let served = served().await;
    for begin in ["POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n"] {
        let mut wire = Wire::open(served.redis).await;
        wire.send(format!("{begin}\r\nSET key value\r\n")).await;
        let answer = String::from_utf8(wire.rest().await).unwrap();
        assert!(answer.ends_with("not for HTTP\r\n"), "{answer}");
    }
    Wire::open(served.redis).await.call("EXISTS key", ":0\r\n").await;
}

#[tokio::test]
async fn a_request_that_is_cut_anywhere_changes_nothing() {
    let served = served().await;
    let request = array(&[b"SET", b"key", b"value"]);
    for end in 1..request.len() {
        let mut wire = Wire::open(served.redis).await;
        wire.send(&request[..end]).await;
        tokio::io::AsyncWriteExt::shutdown(&mut wire.stream).await.unwrap();
        assert_eq!(wire.rest().await, b"", "cut at {end}");
    }
    is_well(&served).await;
    let mut wire = Wire::open(served.redis).await;
    wire.call("EXISTS key", ":0\r\n").await;
    // In as many pieces as it has bytes it is the same request.
    wire.stream.set_nodelay(true).unwrap();
    for byte in request {
        wire.send([byte]).await;
    }
    wire.expect("+OK\r\n").await;
    let (_, metrics) = page(served.http(), "/metrics").await;
    assert!(metrics.contains("psycache_redis_connections 1"), "{metrics}");
}
