//! What becomes of each reply.

use futures::future::join_all;
use psycache::proto::Origin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{
    BAD_VALUE, LATE, NOT_FOUND, REJECTED, Server, UNAVAILABLE, client, get, node, refused,
    serve_by, value,
};
use crate::harness::ServedNode;
use crate::patience::{soon, until};

#[tokio::test]
async fn a_string_is_the_value_and_what_does_not_exist_is_remembered() {
    let server = Server::start();
    let node = node(&server, &[], &["--negative-ttl", "1h"]);
    let client = client(&node).await;
    for answer in join_all((0..15).map(|_| get(&client, "Tom"))).await {
        assert_eq!(answer.unwrap().value, "630");
    }
    assert_eq!(get(&client, "Tom").await.unwrap().origin(), Origin::Hit);
    for _ in 0..3 {
        refused(&client, "Nobody", NOT_FOUND, &["no such key"]).await;
    }
    assert_eq!(server.ran("get"), 2);
}

#[tokio::test]
async fn a_field_of_a_hash_is_the_value_under_the_key_that_was_written() {
    let server = Server::start();
    let options = [("key", "student:{key}"), ("field", "score")];
    let node = node(&server, &options, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Jack").await, "589");
    refused(&client, "Nobody", NOT_FOUND, &[]).await;
    server.does(&["HSET", "student:Una", "age", "7"]);
    refused(&client, "Una", NOT_FOUND, &[]).await;
    assert_eq!((server.ran("get"), server.ran("hget")), (0, 3));
}

#[tokio::test]
async fn any_bytes_are_a_value_and_any_text_is_a_key() {
    let server = Server::start();
    let script = "redis.call('SET', KEYS[1], '\\0\\r\\n\\255') return 1";
    server.does(&["EVAL", script, "1", "a\r\n$1 Ω"]);
    server.does(&["SET", "empty", ""]);
    let node = node(&server, &[], &[]);
    let client = client(&node).await;
    assert_eq!(&*get(&client, "a\r\n$1 Ω").await.unwrap().value, b"\0\r\n\xff");
    assert_eq!(value(&client, "empty").await, "");
}

#[tokio::test]
async fn a_value_of_another_type_is_no_value() {
    let server = Server::start();
    let node = node(&server, &[], &[]);
    let client = client(&node).await;
    refused(&client, "student:Tom", BAD_VALUE, &["WRONGTYPE", "option `field`"]).await;
    assert_eq!(value(&client, "Sam").await, "567");
}

#[tokio::test]
async fn a_value_of_100_mb_is_refused_by_its_size_and_the_node_serves_on() {
    let server = Server::start();
    server.does(&["SETRANGE", "large", "104857600", "x"]);
    server.does(&["SETRANGE", "fits", "67107999", "x"]);
    let node = node(&server, &[], &["--load-timeout", "20s"]);
    let client = client(&node).await;
    refused(&client, "large", BAD_VALUE, &["can't be cached", "64 MiB"]).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let large = node.run(["get", "scores", "fits", "--timeout", "60s"]);
    assert_eq!(large.stdout.len(), 67_108_000, "{}", String::from_utf8_lossy(&large.stderr));
}

#[tokio::test]
async fn a_server_that_is_busy_with_a_script_is_unavailable() {
    let server = Server::start();
    server.does(&["CONFIG", "SET", "busy-reply-threshold", "1"]);
    let node = node(&server, &[], &["--load-timeout", "10s"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let mut script = server.client(&["EVAL", "while true do end", "0"]).spawn().unwrap();
    until("it is busy", async || {
        let ping = server.client(&["PING"]).output().unwrap();
        String::from_utf8_lossy(&ping.stdout).contains("BUSY")
    })
    .await;
    refused(&client, "Jack", UNAVAILABLE, &["BUSY"]).await;
    server.does(&["SCRIPT", "KILL"]);
    script.wait().unwrap();
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test]
async fn a_server_of_a_cluster_is_told_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = serve_by(&format!("redis://{address}"), &[]);
    command.args(["--allow-net", &address]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    let cluster = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        for reply in ["+OK\r\n", "-MOVED 3999 127.0.0.1:6381\r\n"] {
            let mut request = [0; 256];
            assert!(socket.read(&mut request).await.unwrap() > 0);
            socket.write_all(reply.as_bytes()).await.unwrap();
        }
        socket
    };
    let parts = ["one of a cluster", "MOVED 3999", "proxy"];
    tokio::join!(cluster, refused(&client, "Tom", REJECTED, &parts));
}

#[tokio::test]
async fn a_server_that_hangs_costs_no_more_than_the_load_has() {
    let server = Server::start();
    let node = node(&server, &[], &["--load-timeout", "300ms"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    server.signal("STOP");
    for key in ["Jack", "Sam"] {
        soon("it is given up", refused(&client, key, LATE, &["300 ms"])).await;
    }
    server.signal("CONT");
    // A reply that comes late is not taken for that of the next key.
    assert_eq!(value(&client, "Sam").await, "567");
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test]
async fn what_a_server_says_unasked_is_not_taken_for_the_next_reply() {
    // With the reply, and after it.
    for (with, after) in [("$6\r\nforged\r\n", ""), ("", "$6\r\nforged\r\n")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (said, mut has_said) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            for value in ["630", "589"] {
                let (mut socket, _) = listener.accept().await.unwrap();
                // What is written is sent at once, not when the reply before it is acknowledged.
                socket.set_nodelay(true).unwrap();
                let reply = format!("$3\r\n{value}\r\n{with}");
                for reply in ["+OK\r\n", &*reply] {
                    let mut request = [0; 256];
                    assert!(socket.read(&mut request).await.unwrap() > 0);
                    socket.write_all(reply.as_bytes()).await.unwrap();
                }
                socket.write_all(after.as_bytes()).await.unwrap();
                said.send(()).unwrap();
                let asked_again = socket.read(&mut [0; 256]).await.is_ok_and(|read| read > 0);
                assert!(!asked_again, "on a connection that has said too much");
            }
        });
        let mut command = serve_by(&format!("redis://psy@{address}"), &[]);
        // One instance, which keeps its connection.
        command.args(["--allow-net", &address, "--pool-size", "1"]);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        for (key, score) in [("Tom", "630"), ("Jack", "589")] {
            assert_eq!(value(&client, key).await, score);
            has_said.recv().await.unwrap();
        }
        drop(node);
        server.await.unwrap();
    }
}
