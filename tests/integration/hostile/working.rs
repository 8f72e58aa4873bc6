//! What the node works on for a connection counts as held by it: long requests that wait for
//! their values, and long values that wait for a client that reads nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use prost::Message;
use psycache::config::{Config, Group, RetrieverChoice};
use psycache::node::Node;
use psycache::proto::session_request::Call;
use psycache::proto::{GetManyRequest, GetRequest, SessionRequest};
use psycache::retriever::{FetchError, Fetched, Retriever};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::frames::{DATA, call, frame, preface_with, send, upload};
use super::open;
use crate::patience::{soon, until};
use crate::redis::wire::array;
use crate::server::page;

const VALUE_BYTES: usize = 4 << 20;

/// Answers with long values, once it is let.
struct Late {
    asked: Arc<AtomicUsize>,
    is_let: watch::Receiver<bool>,
}

impl Retriever for Late {
    fn fetch<'a>(
        &'a self,
        _key: &'a str,
        _timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        self.asked.fetch_add(1, Relaxed);
        let mut is_let = self.is_let.clone();
        async move {
            let gone = is_let.wait_for(|is_let| *is_let).await.is_err();
            assert!(!gone, "the test waits for its end");
            Ok(Some(Fetched::new(vec![7; VALUE_BYTES], None)))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "late"
    }
}

struct Lab {
    node: Node,
    asked: Arc<AtomicUsize>,
    is_let: watch::Sender<bool>,
}

impl Lab {
    /// A node whose clients may hold 64 MiB.
    async fn start() -> Self {
        let (asked, (is_let, seen)) = (Arc::new(AtomicUsize::new(0)), watch::channel(false));
        let mut group = Group::new("default");
        group.retriever =
            Some(RetrieverChoice::native(Late { asked: Arc::clone(&asked), is_let: seen }));
        let mut config = Config::default();
        config.listen = "127.0.0.1:0".into();
        config.http = Some("127.0.0.1:0".into());
        config.redis = Some("127.0.0.1:0".into());
        config.groups = vec![group];
        config.limits.max_client_bytes = 64 << 20;
        Self { node: Node::start(config).await.unwrap(), asked, is_let }
    }

    fn grpc(&self) -> String {
        self.node.address().to_string()
    }

    async fn ended(&self, listener: &str) -> u64 {
        let (_, text) = page(self.node.http_address().unwrap(), "/metrics").await;
        let labels = format!("{{listener=\"{listener}\",reason=\"bytes\"}} ");
        let line = format!("psycache_connections_refused_total{labels}");
        text.lines().find_map(|found| found.strip_prefix(&line)).unwrap().parse().unwrap()
    }

    async fn until_one_has_ended(&self, listener: &str) {
        until("a connection ends", async || self.ended(listener).await > 0).await;
    }
}

/// A message on a session, with what stands before it.
fn message(id: u64, call: Call) -> Vec<u8> {
    let request = SessionRequest { id, call: Some(call), ..SessionRequest::default() };
    let bytes = request.encode_to_vec();
    [&[0], &(bytes.len() as u32).to_be_bytes()[..], &bytes].concat()
}

/// Ten thousand keys of a thousand bytes.
fn keys(of: usize) -> Vec<Vec<u8>> {
    (0..10_000).map(|key| format!("{of}-{key:_<990}").into_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_on_a_session_that_is_not_read_are_held_by_its_connection() {
    const GETS: usize = 40;
    let lab = Lab::start().await;
    let mut stream = open(&lab.grpc()).await;
    // Its window takes 64 KiB, and then nothing of the session is sent any more.
    assert!(send(&mut stream, &[preface_with(None), call(1, "Session")].concat()).await);
    for id in 0..GETS {
        let (group, key) = ("default".into(), format!("key {id}").into());
        let get = Call::Get(GetRequest { group, key, may_lend: false });
        assert!(send(&mut stream, &frame(DATA, 0, 1, &message(id as u64, get))).await);
    }
    until("all are loaded", async || lab.asked.load(Relaxed) == GETS).await;
    assert_eq!(lab.ended("grpc").await, 0);
    lab.is_let.send_replace(true);
    lab.until_one_has_ended("grpc").await;
    lab.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_requests_on_sessions_are_held_while_they_wait() {
    let lab = Lab::start().await;
    let mut held = Vec::new();
    for of in 0..8 {
        let mut stream = open(&lab.grpc()).await;
        assert!(send(&mut stream, &[preface_with(None), call(1, "Session")].concat()).await);
        let keys = keys(of).into_iter().map(|key| String::from_utf8(key).unwrap().into());
        let many = GetManyRequest { group: "default".into(), keys: keys.collect() };
        soon("it is taken", upload(&mut stream, &message(1, Call::GetMany(many)))).await;
        held.push(stream);
    }
    lab.until_one_has_ended("grpc").await;
    lab.is_let.send_replace(true);
    lab.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_commands_of_redis_are_held_while_they_wait() {
    let lab = Lab::start().await;
    let mut held = Vec::new();
    for of in 0..8 {
        let mut stream = open(&lab.node.redis_address().unwrap().to_string()).await;
        let keys = keys(of);
        let words: Vec<&[u8]> =
            [&b"MGET"[..]].into_iter().chain(keys.iter().map(Vec::as_slice)).collect();
        // The node may have ended it.
        let _ = soon("it is taken", stream.write_all(&array(&words))).await;
        held.push(stream);
    }
    lab.until_one_has_ended("redis").await;
    lab.is_let.send_replace(true);
    lab.node.shutdown().await;
}
