//! The memory of a node whose clients are many, or do not read.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use psycache::server::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::wire::{Wire, array};
use crate::harness::ServedNode;
use crate::patience::until;
use crate::server::served_with;

fn node() -> (ServedNode, std::net::SocketAddr) {
    let node = ServedNode::start(&["--redis", "127.0.0.1:0"]);
    let address = node.told("redis").parse().unwrap();
    (node, address)
}

/// A line of the process's status, in KiB: `VmRSS` or `VmHWM`, its peak.
fn memory_kib(node: &ServedNode, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim().trim_end_matches(" kB").parse().unwrap()
}

/// Waits until `progress` stands still while others get many answers.
async fn until_still(address: std::net::SocketAddr, progress: &AtomicU64) {
    let mut other = Wire::open(address).await;
    let mut before = u64::MAX;
    while before != progress.load(Ordering::Relaxed) {
        before = progress.load(Ordering::Relaxed);
        for _ in 0..500 {
            other.call("PING", "+PONG\r\n").await;
        }
    }
}

#[tokio::test]
async fn a_million_requests_whose_answers_are_not_read_take_bounded_memory() {
    const REQUESTS: u64 = 1_000_000;
    let (node, address) = node();
    let mut wire = Wire::open(address).await;
    let value = vec![b'v'; 1_000];
    wire.send(array(&[b"SET", b"key", &value])).await;
    wire.expect("+OK\r\n").await;
    let before = memory_kib(&node, "VmHWM");

    let (reader, mut writer) = wire.stream.into_split();
    let sent = Arc::new(AtomicU64::new(0));
    let progress = Arc::clone(&sent);
    let writing = tokio::spawn(async move {
        let batch = array(&[b"GET", b"key"]).repeat(1_000);
        for _ in 0..REQUESTS / 1_000 {
            writer.write_all(&batch).await.unwrap();
            progress.fetch_add(1_000, Ordering::Relaxed);
        }
        writer
    });
    until_still(address, &sent).await;
    assert!(sent.load(Ordering::Relaxed) < REQUESTS, "the node reads on");
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < 48 << 10, "{grown} KiB");

    let answer_bytes = 1_000 + "$1000\r\n\r\n".len() as u64;
    let mut answers = reader.take(REQUESTS * answer_bytes);
    let read = tokio::io::copy(&mut answers, &mut tokio::io::sink()).await.unwrap();
    assert_eq!(read, REQUESTS * answer_bytes);
    drop(writing.await.unwrap());
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < 48 << 10, "{grown} KiB");
}

#[tokio::test]
async fn gets_in_a_row_of_large_values_take_bounded_memory() {
    let (node, address) = node();
    let mut wire = Wire::open(address).await;
    let value = vec![b'v'; 4 << 20];
    wire.send(array(&[b"SET", b"key", &value])).await;
    wire.expect("+OK\r\n").await;
    let before = memory_kib(&node, "VmHWM");
    // Answers of 128 MiB, of values that are found at once.
    wire.send(array(&[b"GET", b"key"]).repeat(32)).await;
    let mut answer = format!("${}\r\n", value.len()).into_bytes();
    answer.extend_from_slice(&value);
    answer.extend(b"\r\n");
    for _ in 0..32 {
        wire.expect(&answer).await;
    }
    let grown = memory_kib(&node, "VmHWM") - before;
    assert!(grown < 64 << 10, "{grown} KiB");
}

#[tokio::test]
async fn pipelines_of_large_values_end_no_connection() {
    const VALUES: usize = 32;
    let node = ServedNode::start(&[
        "--redis",
        "127.0.0.1:0",
        "--capacity",
        "256MiB",
        "--max-client-bytes",
        "224MiB",
    ]);
    let address: std::net::SocketAddr = node.told("redis").parse().unwrap();
    let mut wire = Wire::open(address).await;
    for number in 0..VALUES {
        let value = vec![number as u8; 2 << 20];
        wire.send(array(&[b"SET", number.to_string().as_bytes(), &value])).await;
        wire.expect("+OK\r\n").await;
    }
    let get = |number: usize| array(&[b"GET", number.to_string().as_bytes()]);
    let gets: Vec<u8> = (0..VALUES).flat_map(get).collect();
    // Each could have more than 64 MiB of answers that wait, all together more than clients may.
    // What one may have is 8 MiB and four values, in a buffer of up to four times as much.
    let mut wires = Vec::new();
    for _ in 0..4 {
        let mut wire = Wire::open(address).await;
        wire.send(&gets).await;
        wires.push(wire);
    }
    for wire in &mut wires {
        for number in 0..VALUES {
            let mut answer = b"$2097152\r\n".to_vec();
            answer.resize(answer.len() + (2 << 20), number as u8);
            answer.extend(b"\r\n");
            wire.expect(&answer).await;
        }
    }
}

#[tokio::test]
async fn the_values_of_one_answer_are_bounded() {
    let (node, address) = node();
    let mut wire = Wire::open(address).await;
    wire.send(array(&[b"SET", b"key", &vec![b'v'; 8 << 20]])).await;
    wire.expect("+OK\r\n").await;
    // 80 MiB, all of it in memory.
    let refused = wire.line(&format!("MGET{}", " key".repeat(10))).await;
    assert!(refused.starts_with("-OOM ") && refused.contains("fewer keys"), "{refused}");
    wire.call("PING", "+PONG\r\n").await;
    drop(node);
}

#[tokio::test]
async fn an_idle_connection_keeps_at_most_eight_kib() {
    const CONNECTIONS: u64 = 2_000;
    let (node, address) = node();
    // What is allocated once is, and one connection's buffers are known to be enough.
    let pipeline = array(&[b"GET", b"Tom"]).repeat(1_000);
    let answers = "$3\r\n630\r\n".repeat(1_000);
    let mut first = Wire::open(address).await;
    first.send(&pipeline).await;
    first.expect(&answers).await;
    let before = memory_kib(&node, "VmRSS");
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut wire = Wire::open(address).await;
        wire.send(&pipeline).await;
        wire.expect(&answers).await;
        idle.push(wire);
    }
    first.call("PING", "+PONG\r\n").await;
    let each = (memory_kib(&node, "VmRSS").saturating_sub(before) << 10) / CONNECTIONS;
    assert!(each <= 8 << 10, "{each} bytes");
}

#[tokio::test]
async fn a_client_that_leaves_its_answers_is_ended() {
    let request_timeout = std::time::Duration::from_millis(200);
    let served = served_with(ServerConfig { request_timeout, ..ServerConfig::default() }).await;
    let (mut wire, mut other) = (Wire::open(served.redis).await, Wire::open(served.redis).await);
    wire.send(array(&[b"SET", b"key", &vec![b'v'; 500_000]])).await;
    wire.expect("+OK\r\n").await;
    // More than the node and the kernel hold.
    wire.send(array(&[b"GET", b"key"]).repeat(200)).await;
    while other.text("CLIENT LIST").await.lines().count() > 1 {}
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_idle_connection_is_kept_alive() {
    // Of a socket in the list of the kernel: that its timer is the one of keepalive.
    const TIMER: &str = "02:";
    let (_node, address) = node();
    let mut wire = Wire::open(address).await;
    wire.call("PING", "+PONG\r\n").await;
    let local = format!("0100007F:{:04X}", address.port());
    until("its timer is that of keepalive", async || {
        let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
        sockets.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // Established, and at the node's end.
            fields[1] == local && fields[3] == "01" && fields[5].starts_with(TIMER)
        })
    })
    .await;
}
