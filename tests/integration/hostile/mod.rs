//! Clients that want to use a node up. Meanwhile it serves others, its memory is bounded by its
//! settings, and what it ended is counted.

mod bytes;
mod connections;
mod files;
mod floods;
mod frames;
mod slow;
mod strangers;
mod working;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{ServedNode, ending, stdout};
use crate::metrics::scrape::Scrape;
use crate::patience::until;

/// The address of the hostile client. Others come from 127.0.0.1.
const HOSTILE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The listeners, as the ready line and the metrics call them.
const LISTENERS: [(&str, &str); 3] = [("listen", "grpc"), ("http", "http"), ("redis", "redis")];

/// A node with all listeners.
fn node(flags: &[&str]) -> ServedNode {
    ServedNode::start(&[&["--redis", "127.0.0.1:0"], flags].concat())
}

/// A connection of the hostile client.
async fn open(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(HOSTILE, 0)).expect("all of 127.0.0.0/8 is this machine");
    let address = address.parse().expect("an address");
    socket.connect(address).await.expect("the node listens")
}

/// Checks that others are served by each listener.
async fn serves_others(node: &ServedNode) {
    let got = node.run(["get", "default", "Tom"]);
    assert_eq!((stdout(&got), ending(&got).0), ("630", Some(0)), "{}", ending(&got).1);
    assert!(Scrape::of(node).await.text.contains("psycache_gets_total"));
    let mut redis = TcpStream::connect(node.told("redis")).await.expect("the node listens");
    redis.write_all(b"PING\r\n").await.expect("the node reads");
    let mut answer = [0; 7];
    redis.read_exact(&mut answer).await.expect("the node answers");
    assert_eq!(answer, *b"+PONG\r\n");
}

async fn refused(node: &ServedNode, listener: &str, reason: &str) -> f64 {
    let labels = [("listener", listener), ("reason", reason)];
    Scrape::of(node).await.value("psycache_connections_refused_total", &labels)
}

/// Waits until so many connections were refused or ended.
async fn until_refused(node: &ServedNode, listener: &str, reason: &str, count: usize) {
    let what = format!("{count} connections of {listener}: {reason}");
    until(&what, async || refused(node, listener, reason).await >= count as f64).await;
}

/// A line of the process's status, in KiB: `VmRSS` or `VmHWM`, its peak.
fn memory_kib(node: &ServedNode, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid()));
    let status = status.expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.expect("the line is there").trim().trim_end_matches(" kB");
    kib.parse().expect("a number")
}
