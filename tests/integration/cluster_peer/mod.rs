//! A peer on a real connection: the client's end, the server's, and what happens
//! when one of them goes away.

mod exchange;
mod life;
mod proxy;
mod scripted;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use psycache::error::Error;
use psycache::server::{Groups, Health, PeerGate, PeerService};
use psycache::transport::peer::Peer;
use psycache::transport::remote::{
    Local, PeerCall, Reachability, Remote, RemoteError, Request, Response,
};
use psycache::value::Ttl;
use psycache::value::{Answer, Origin};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_stream::wrappers::TcpListenerStream;

use crate::patience::{seen, soon, until};

const MAX_VALUE_BYTES: usize = 64 << 20;

/// So long that nobody sees it end: what ends, ends for another reason.
const LONG: Duration = Duration::from_secs(3600);

/// Answers by the key: `wait` never does, `panic` panics, `size:N` with N bytes, others with
/// themselves.
#[derive(Default)]
struct Echo {
    waiting: AtomicU64,
    waits: Notify,
    given_up: Arc<Notify>,
    sets: AtomicU64,
}

fn done(bytes: usize) -> Response {
    Response::Done { count: bytes as u64, version: 1, name: 2 }
}

/// Tells that a request was given up.
struct Witness(Arc<Notify>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Local for Echo {
    fn answer_from_memory(&self, request: &Request) -> Option<Result<Response, Error>> {
        assert_ne!(request.key, "panic at once", "in a request");
        None
    }

    fn answer(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Response, Error>> {
        async move {
            let key = String::from_utf8(request.key.to_vec()).expect("text");
            let value = match (&request.call, key.strip_prefix("size:")) {
                (PeerCall::Set { value, .. }, _) => {
                    self.sets.fetch_add(1, Ordering::Relaxed);
                    return Ok(done(value.len()));
                }
                (_, Some(size)) => Bytes::from(vec![b'x'; size.parse().expect("a number")]),
                _ if key == "missing" => return Err(Error::NotFound),
                _ if key == "panic" => panic!("in a request"),
                _ if key == "wait" => {
                    let _witness = Witness(Arc::clone(&self.given_up));
                    self.waiting.fetch_add(1, Ordering::Relaxed);
                    self.waits.notify_one();
                    std::future::pending().await
                }
                _ => request.key,
            };
            let answer = Answer::new(value.into(), Origin::Hit, None);
            Ok(Response::Value { answer, lent_ms: 0 })
        }
        .boxed()
    }
}

/// A server on a runtime of its own, so that all of it can go at once, its
/// connections included.
struct Server<L = Echo> {
    address: SocketAddr,
    local: Arc<L>,
    runtime: Option<Runtime>,
}

impl Server {
    async fn start(address: &str) -> Self {
        Self::of(address, Arc::new(Echo::default())).await
    }
}

impl<L: Local> Server<L> {
    async fn of(address: &str, local: Arc<L>) -> Self {
        Self::behind(PeerGate::default(), address, local).await
    }

    async fn behind(gate: PeerGate, address: &str, local: Arc<L>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let health = Arc::new(Health::starting(&Groups::new([])));
        let service =
            PeerService::new(Arc::clone(&local) as Arc<dyn Local>, health, gate, MAX_VALUE_BYTES);
        // A server that was dropped frees its port when its threads have ended.
        let bind = async || std::net::TcpListener::bind(address).map_err(|e| e.to_string());
        let listener = seen(bind).await;
        listener.set_nonblocking(true).expect("a socket can be");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("in a runtime");
            let incoming = TcpListenerStream::new(listener);
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.expect("it serves");
        });
        Self { address, local, runtime: Some(runtime) }
    }

    fn connect(&self) -> Peer {
        Peer::new(&self.address.to_string(), MAX_VALUE_BYTES)
    }
}

impl<L> Drop for Server<L> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn request(key: &str, call: PeerCall) -> Request {
    Request {
        group: Bytes::from_static(b"scores"),
        key: Bytes::copy_from_slice(key.as_bytes()),
        call,
        cluster: 0,
        revision: 1,
    }
}

async fn get(peer: &Peer, key: &str) -> Result<Bytes, RemoteError> {
    match peer.ask(request(key, PeerCall::Get), LONG).await? {
        Response::Value { answer, .. } => {
            assert_eq!(answer.origin, Origin::Peer);
            Ok(answer.value.into())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_a_connection() {
    let server = Server::start("127.0.0.1:0").await;
    let peer = server.connect();
    let keys: Vec<String> = (0..2_000).map(|n| format!("key-{n}")).collect();
    let answers = join_all(keys.iter().map(|key| get(&peer, key))).await;
    for (key, answer) in keys.iter().zip(answers) {
        assert_eq!(answer.as_deref(), Ok(key.as_bytes()));
    }
    assert_eq!(get(&peer, "missing").await, Err(RemoteError::Answered(Error::NotFound)));
    assert_eq!(peer.reachability(), Reachability::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_panics_ends_no_other_on_its_stream() {
    let server = Server::start("127.0.0.1:0").await;
    let peer = Arc::new(server.connect());
    let asking = Arc::clone(&peer);
    let waiting = tokio::spawn(async move { get(&asking, "wait").await });
    server.local.waits.notified().await;
    for key in ["panic", "panic at once"] {
        let panicked = get(&peer, key).await;
        let Err(RemoteError::Answered(Error::Internal(problem))) = panicked else {
            panic!("{panicked:?}")
        };
        assert!(problem.contains("it panicked"), "{problem}");
    }
    assert_eq!(get(&peer, "quick").await.as_deref(), Ok(&b"quick"[..]));
    assert!(!waiting.is_finished(), "it is on the same stream, and lives");
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_go_both_ways() {
    let server = Server::start("127.0.0.1:0").await;
    let peer = server.connect();
    for size in [0, 65_536, 65_537, 10 << 20] {
        let value = get(&peer, &format!("size:{size}")).await.expect("a value");
        assert_eq!(value.len(), size);
        let value = Bytes::from(vec![1; size]);
        let set = request("k", PeerCall::Set { value, ttl: Ttl::OfGroup, version: 0 });
        assert_eq!(peer.ask(set, LONG).await, Ok(done(size)));
    }
    assert_eq!(server.local.sets.load(Ordering::Relaxed), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_holds_nobody_up_and_may_go_away() {
    let server = Server::start("127.0.0.1:0").await;
    let peer = Arc::new(server.connect());
    let asking = Arc::clone(&peer);
    let waiting = tokio::spawn(async move { get(&asking, "wait").await });
    server.local.waits.notified().await;
    assert_eq!(get(&peer, "quick").await.as_deref(), Ok(&b"quick"[..]));
    waiting.abort();
    let given_up = server.local.given_up.notified();
    soon("the peer is told", given_up).await;

    let within = Duration::from_millis(50);
    let late = peer.ask(request("wait", PeerCall::Get), within).await;
    // The peer's own deadline and this one's end at the same time.
    let timed_out = RemoteError::Answered(Error::DeadlineExceeded { after: within });
    assert!(late == Err(timed_out) || late == Err(RemoteError::Late), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_fails_what_was_on_it_and_is_made_again() {
    let server = Server::start("127.0.0.1:0").await;
    let address = server.address.to_string();
    let peer = Arc::new(server.connect());
    let asking = Arc::clone(&peer);
    let waiting = tokio::spawn(async move { get(&asking, "wait").await });
    server.local.waits.notified().await;

    drop(server);
    let broken = waiting.await.expect("no panic");
    assert!(matches!(broken, Err(RemoteError::Unreachable(_))), "{broken:?}");
    let at_once = soon("it does not wait", peer.ask(request("Tom", PeerCall::Get), LONG)).await;
    assert!(matches!(at_once, Err(RemoteError::Unreachable(_))), "{at_once:?}");
    until("known to be out of reach", async || {
        matches!(peer.reachability(), Reachability::Unreachable(_))
    })
    .await;

    let _again = Server::start(&address).await;
    until("connected again", async || peer.reachability() == Reachability::Connected).await;
    assert_eq!(get(&peer, "Tom").await.as_deref(), Ok(&b"Tom"[..]));
}
