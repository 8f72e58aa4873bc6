//! What a cluster asks of its etcd, as etcd itself counts it: one watch and two leases
//! a node, and nothing for a request.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::cluster::sees;
use super::nodes::start;
use super::server::Etcd;
use crate::harness::ending;
use crate::patience;

/// What etcd tells of itself. Asked by HTTP/1.0, it answers in one piece; in chunks
/// the lines would be torn.
async fn metrics(etcd: &Etcd) -> String {
    let mut stream = TcpStream::connect(etcd.address()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    answer
}

/// The sum of all samples of etcd's metric `name` with `label` in their labels.
async fn metric(etcd: &Etcd, name: &str, label: &str) -> f64 {
    let text = metrics(etcd).await;
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        (labels.is_empty() || labels.starts_with('{')).then_some((labels, value))
    });
    let mut samples = samples.filter(|(labels, _)| labels.contains(label)).peekable();
    assert!(samples.peek().is_some(), "etcd has no metric {name} {label}");
    samples.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
}

/// Calls to read or write keys so far.
async fn key_calls(etcd: &Etcd) -> f64 {
    metric(etcd, "grpc_server_started_total", "etcdserverpb.KV").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_has_one_watch_and_two_leases_and_a_request_asks_nothing() {
    let etcd = Etcd::start().await;
    let nodes = [(); 3].map(|()| start(&etcd, "psycache"));
    for node in &nodes {
        sees(node, 3).await;
    }
    let before = key_calls(&etcd).await;
    assert!(before >= 3.0, "{before}");
    for node in &nodes {
        for change in [
            vec!["get", "default", "Tom", "Jack", "Sam", "--json"],
            vec!["set", "default", "Ada", "1815"],
            vec!["remove", "default", "Ada", "Tom"],
        ] {
            assert_eq!(ending(&node.run(change)), (Some(0), ""));
        }
    }
    // A node may look once more after it has joined, whether that is noted.
    let asked = key_calls(&etcd).await - before;
    assert!(asked <= 3.0, "{asked} requests went to etcd");
    assert_eq!(metric(&etcd, "grpc_server_started_total", "\"LeaseGrant\"").await, 6.0);
    assert_eq!(metric(&etcd, "grpc_server_started_total", "\"LeaseKeepAlive\"").await, 6.0);
    // It counts a watch a little after it has answered it.
    patience::until("one watch a node", async || {
        metric(&etcd, "etcd_debugging_mvcc_watcher_total", "").await == 3.0
    })
    .await;
}
