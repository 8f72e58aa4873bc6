//! What becomes of a node whose source goes away under load, or is replaced by another one. Each
//! kind of source has tests that call this with their own servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use futures::future::join_all;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{Origin, RemoveRequest};
use serde_json::Value;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;

use crate::harness::{ServedNode, stdout};
use crate::patience::until;
use crate::scores::{client, get, value};

/// A server with the scores of Tom, Jack and Sam: 630, 589 and 567.
pub(crate) trait Source {
    fn port(&self) -> u16;
    /// Kills it: its port is closed.
    fn stop(&mut self);
    /// Runs it at `port` with the data that it has, and waits until it answers.
    fn run_at(&mut self, port: u16);
    fn set_score(&self, name: &str, score: &str);
    /// Stops answering. Without this, the query for Sam's 567 never ends.
    fn freeze(&self) {}
    /// Whether a query for Sam's score has arrived and has no answer.
    fn has_unanswered(&self) -> bool;
}

/// Two servers. They are started at the same time, because each takes seconds.
pub(crate) fn two<S: Send + 'static>(start: fn() -> S) -> [S; 2] {
    let other = thread::spawn(start);
    [start(), other.join().unwrap()]
}

/// Kills the first of two servers while it is asked for Sam's score, runs the other one in its
/// place, and then the first one again. Only the load that was under way may fail.
pub(crate) async fn assert_follows(node: &ServedNode, [mut first, mut other]: [impl Source; 2]) {
    let client = client(node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    first.freeze();
    let (asking, ()) = tokio::join!(get(&client, "Sam"), async {
        until("the load of Sam is under way", async || first.has_unanswered()).await;
        first.stop();
    });
    let status = asking.expect_err("its server was killed");
    assert_eq!(status.code(), Code::Unavailable, "{status}");

    other.stop();
    other.run_at(first.port());
    let scores = [("Tom", "1630"), ("Jack", "1589"), ("Sam", "1567")];
    scores.iter().for_each(|(name, score)| other.set_score(name, score));
    assert_loaded(&client, &scores).await;

    // The connections of these loads are idle.
    other.stop();
    first.run_at(first.port());
    assert_loaded(&client, &[("Tom", "630"), ("Jack", "589")]).await;
}

/// Asserts that loads of these, all at once, succeed.
async fn assert_loaded(client: &CacheClient<Channel>, scores: &[(&str, &str)]) {
    for (name, _) in scores {
        let remove = RemoveRequest { group: "scores".into(), key: (*name).to_owned().into() };
        client.clone().remove(remove).await.unwrap();
    }
    join_all(scores.iter().map(|(name, score)| async move {
        assert_eq!(value(client, name).await, *score, "{name}");
    }))
    .await;
}

/// How the nodes of [`assert_recover`] are started: the first one has `stale-if-error`.
pub(crate) const NODES: [&[&str]; 2] = [
    &["--ttl=200ms", "--ttl-jitter=0%", "--breaker=5", "--retries=1", "--stale-if-error=1h"],
    &["--ttl=200ms", "--ttl-jitter=0%", "--breaker=5", "--retries=1"],
];

/// Ends the source of two nodes under load and runs it again. No get of a resident key fails where
/// there is `stale-if-error`, and both nodes recover.
pub(crate) async fn assert_recover([stale, plain]: [ServedNode; 2], mut source: impl Source) {
    for node in [&stale, &plain] {
        let client = client(node).await;
        for key in ["Tom", "Jack", "Sam"] {
            value(&client, key).await;
        }
    }
    let (stale_load, plain_load) = (Load::of(&stale).await, Load::of(&plain).await);
    source.stop();
    // Far more gets than any of them could answer from memory before its ttl was over.
    until("the outage lasts", async || {
        stale_load.stale.load(SeqCst) > 2_000 && plain_load.failed.load(SeqCst) > 2_000
    })
    .await;
    assert_eq!(stale_load.failed.load(SeqCst), 0, "gets of resident keys failed");
    for node in [&stale, &plain] {
        let shown = retriever(node);
        assert_eq!(shown["state"], "unavailable", "{shown}");
        assert!(shown["problem"].as_str().unwrap().contains("refused"), "{shown}");
    }
    let refused = client(&plain).await;
    until("a get is refused without a question to the source", async || {
        let status = get(&refused, "Tom").await.expect_err("the source is down");
        status.message().contains("times in a row")
    })
    .await;

    source.run_at(source.port());
    source.set_score("Tom", "631");
    for node in [&stale, &plain] {
        let client = client(node).await;
        until("it recovers by itself", async || {
            get(&client, "Tom").await.is_ok_and(|answer| *answer.value == *b"631")
        })
        .await;
        until("its status says so", async || retriever(node)["state"] == "running").await;
    }
    assert_eq!(stale_load.failed.load(SeqCst), 0, "gets of resident keys failed");
    stale_load.end().await;
    plain_load.end().await;
}

/// The retriever of the node's only group, as its status shows it.
fn retriever(node: &ServedNode) -> Value {
    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    status["groups"][0]["retriever"].clone()
}

/// Gets of resident keys, by several clients at a time, until they are ended.
struct Load {
    clients: JoinSet<()>,
    stops: Arc<AtomicBool>,
    stale: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Load {
    async fn of(node: &ServedNode) -> Self {
        let (stops, stale, failed) = Default::default();
        let mut load = Self { clients: JoinSet::new(), stops, stale, failed };
        for key in ["Tom", "Jack", "Sam", "Tom"] {
            let client = client(node).await;
            let (stops, stale) = (Arc::clone(&load.stops), Arc::clone(&load.stale));
            let failed = Arc::clone(&load.failed);
            load.clients.spawn(async move {
                while !stops.load(SeqCst) {
                    match get(&client, key).await {
                        Ok(answer) if answer.origin() == Origin::Stale => {
                            stale.fetch_add(1, SeqCst)
                        }
                        Ok(_) => continue,
                        Err(status) => {
                            assert_eq!(status.code(), Code::Unavailable, "{status}");
                            failed.fetch_add(1, SeqCst)
                        }
                    };
                }
            });
        }
        load
    }

    async fn end(mut self) {
        self.stops.store(true, SeqCst);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("only unavailable is an error");
        }
    }
}
