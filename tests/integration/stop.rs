//! A node that is told to stop while others keep their connections open.

use std::io::{Read, Write};
use std::net::TcpStream;

use psycache::proto::SessionRequest;
use psycache::proto::cache_client::CacheClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::harness::ServedNode;

/// What a node logs that had to cut something off.
const CUT_OFF: &str = "stopping without them";

/// Sends SIGTERM, and checks that the node ended without giving up on anything.
fn assert_stops_at_once(node: ServedNode) {
    node.signal("TERM");
    let (status, printed, log) = node.ended();
    assert!(status.success(), "{status}\n{log}");
    assert!(printed.is_empty(), "{printed:?}");
    assert!(!log.contains(CUT_OFF), "{log}");
}

async fn channel(node: &ServedNode) -> Channel {
    Channel::from_shared(format!("http://{}", node.address())).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn a_stop_does_not_wait_for_streams_of_requests_that_nobody_ends() {
    let node = ServedNode::start(&[]);
    let channel = channel(&node).await;
    let mut health = HealthClient::new(channel.clone());
    let mut watches = Vec::new();
    for service in ["", "default", "no such service"] {
        let watch = health.watch(HealthCheckRequest { service: service.into() }).await;
        let mut watch = watch.unwrap().into_inner();
        watch.message().await.unwrap().unwrap();
        watches.push(watch);
    }

    let (questions, asked) = mpsc::unbounded_channel();
    let list = MessageRequest::ListServices(String::new());
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    questions.send(question).unwrap();
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let described = reflection.server_reflection_info(UnboundedReceiverStream::new(asked)).await;
    let mut described = described.unwrap().into_inner();
    described.message().await.unwrap().unwrap();

    let (_requests, sent) = mpsc::unbounded_channel::<SessionRequest>();
    let session = CacheClient::new(channel).session(UnboundedReceiverStream::new(sent)).await;
    let mut session = session.unwrap().into_inner();

    tokio::task::spawn_blocking(|| assert_stops_at_once(node)).await.unwrap();
    for mut watch in watches {
        let farewell = loop {
            if let Err(farewell) = watch.message().await {
                break farewell;
            }
        };
        assert_eq!(farewell.code(), Code::Unavailable);
    }
    assert_eq!(described.message().await.unwrap(), None);
    assert_eq!(session.message().await.unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a_stop_does_not_wait_for_silent_connections_and_half_requests() {
    let node = ServedNode::start(&[]);
    let said: [(&str, &[u8]); 5] = [
        ("listen", b""),
        ("listen", b"PRI * HT"),
        ("listen", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        ("http", b""),
        ("http", b"GET /metrics HTTP/1.1\r\nHost: a\r\n"),
    ];
    let connections = said.map(|(port, bytes)| {
        let mut connection = TcpStream::connect(node.told(port)).unwrap();
        connection.write_all(bytes).unwrap();
        connection
    });
    // It was accepted after the others, so they are accepted when this is answered.
    for port in ["listen", "http"] {
        let mut last = TcpStream::connect(node.told(port)).unwrap();
        let request: &[u8] = match port {
            "http" => b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        };
        last.write_all(request).unwrap();
        assert_ne!(last.read(&mut [0; 9]).unwrap(), 0);
    }
    assert_stops_at_once(node);
    drop(connections);
}
