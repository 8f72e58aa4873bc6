//! A node that stops while Redis clients are connected.

use psycache::server::ServerConfig;
use tokio::net::TcpStream;

use super::wire::Wire;
use crate::harness::ServedNode;
use crate::server::{served, served_with};

#[tokio::test]
async fn what_was_read_is_answered_and_then_the_connection_ends() {
    let mut served = served().await;
    let (mut wire, mut idle) = (Wire::open(served.redis).await, Wire::open(served.redis).await);
    idle.call("PING", "+PONG\r\n").await;
    wire.send("GET slow\r\nECHO after\r\nGET hal").await;
    let load = served.loads.recv().await.unwrap();
    served.stop();
    assert_eq!(idle.rest().await, b"");
    load.finish();
    assert_eq!(wire.rest().await, b"$13\r\nvalue of slow\r\n$5\r\nafter\r\n");
    served.serving.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.redis).await.is_err(), "it still takes connections");
}

#[tokio::test]
async fn a_command_that_does_not_end_holds_up_the_stop_for_a_time_only() {
    let drain_timeout = std::time::Duration::from_millis(100);
    let mut served = served_with(ServerConfig { drain_timeout, ..ServerConfig::default() }).await;
    let mut wire = Wire::open(served.redis).await;
    wire.send("GET slow\r\n").await;
    let _load = served.loads.recv().await.unwrap();
    served.stop();
    served.serving.await.unwrap().unwrap();
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn sigterm_ends_a_node_with_open_connections() {
    let node = ServedNode::start(&["--redis", "127.0.0.1:0"]);
    let address: std::net::SocketAddr = node.told("redis").parse().unwrap();
    let mut wire = Wire::open(address).await;
    wire.call("GET Tom", "$3\r\n630\r\n").await;
    node.signal("TERM");
    assert_eq!(wire.rest().await, b"");
    let (status, _, log) = node.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}
