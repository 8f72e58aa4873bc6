//! Healthy policies take turns under load, and a swap by itself moves nobody.

use std::collections::BTreeSet;

use psycache::proto::cache_client::CacheClient;
use psycache::proto::get_result::Result as Got;
use psycache::proto::{GetManyRequest, SetRequest};
use tonic::transport::Channel;

use super::load::Clients;
use super::operator::{Operator, connect};
use super::{exhibits, rounds};
use crate::harness::{ServedNode, ending, stdout};
use crate::patience::until;

const POLICIES: [&str; 9] =
    ["lfu", "twoq", "lruk", "fifo", "sieve", "s3fifo", "gdsf", "adaptive", "lru"];
const KEYS: u64 = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_take_turns_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a-hundred-bytes.wasm");
    std::fs::write(&source, exhibits::retriever("a-hundred-bytes")).unwrap();
    let source = source.to_str().unwrap();
    let node =
        ServedNode::start(&["--group", "full", "--capacity", "256KiB", "--retriever", source]);
    let mut operator = Operator::of(node.address(), "full").await;
    let clients = Clients::start(node.address(), "full", KEYS).await;
    clients.answered(2 * KEYS).await;
    for _ in 0..rounds("SWAP_ROUNDS", 5) {
        if let Ok(example) = std::env::var("SWAP_EXAMPLE") {
            let swapped = operator.swap("example", std::fs::read(example).unwrap()).await.unwrap();
            assert!(swapped.entries > 500, "{swapped:?}");
            clients.answered(200).await;
        }
        for policy in POLICIES {
            let swapped = operator.swap_to(policy).await.unwrap();
            assert!(swapped.entries > 500, "{swapped:?}");
            let shown = operator.policy().await;
            assert_eq!((shown.name.as_str(), shown.state.as_str()), (policy, "running"));
            clients.answered(200).await;
        }
    }
    assert_eq!(operator.policy().await.failures, 0);
    clients.stop().await;
}

/// The keys that are held. A group without a source answers for no other.
async fn held(cache: &mut CacheClient<Channel>) -> BTreeSet<u64> {
    let keys = (0..KEYS).map(|nth| nth.to_string().into()).collect();
    let many = GetManyRequest { group: "full".into(), keys };
    let results = cache.get_many(many).await.unwrap().into_inner().results;
    let is_value = |result: Option<Got>| matches!(result, Some(Got::Found(_)));
    (0..).zip(results).filter(|(_, one)| is_value(one.result.clone())).map(|(key, _)| key).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_by_itself_moves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("node.toml");
    std::fs::write(&config, "[[group]]\nname = 'full'\ncapacity = '256KiB'\n").unwrap();
    let node = ServedNode::start(&["--config", config.to_str().unwrap()]);
    let mut operator = Operator::of(node.address(), "full").await;
    let mut cache = CacheClient::new(connect(node.address()).await);
    for key in 0..KEYS {
        let value = vec![b'v'; 100].into();
        let set = SetRequest {
            group: "full".into(),
            key: key.to_string().into(),
            value,
            ..SetRequest::default()
        };
        cache.set(set).await.unwrap();
    }
    // Until the worker has made the room that it keeps for the next inserts.
    let mut before = held(&mut cache).await;
    until("the worker rests", async || {
        let again = held(&mut cache).await;
        std::mem::replace(&mut before, again.clone()) == again
    })
    .await;
    assert!((500..KEYS as usize).contains(&before.len()), "{} are held", before.len());
    for policy in POLICIES {
        let swapped = operator.swap_to(policy).await.unwrap();
        assert_eq!(swapped.entries, before.len() as u64);
        let after = held(&mut cache).await;
        assert!(after == before, "to {policy}: {} of {}", after.len(), before.len());
    }
}

#[test]
fn each_node_of_a_cluster_is_reported() {
    let scratch = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let absent = scratch.local_addr().unwrap().to_string();
    drop(scratch);
    let second = ServedNode::start(&[]);
    let peers = format!("{absent},{}", second.address());
    let first = ServedNode::start(&["--peers", &peers]);
    let output = first.run(["policy", "swap", "default", "lfu", "--all"]);
    let (code, complaints) = ending(&output);
    // One of three is not there: that is told, and the others were swapped.
    assert_eq!(code, Some(4), "{complaints}");
    let reported = stdout(&output);
    for node in [&first, &second] {
        let line = reported.lines().find(|line| line.starts_with(node.address()));
        assert!(line.is_some_and(|line| line.contains("handed over")), "{reported}");
        let status = node.run(["status", "--json"]);
        assert!(stdout(&status).contains("\"lfu\""), "{}", stdout(&status));
    }
    assert!(complaints.contains(&format!("{absent}: ")), "{complaints}");
    assert!(complaints.contains("1 of 3 nodes"), "{complaints}");
}
