//! Many requests on one stream: what is taken back frees its place and stops at the
//! other end, and a large value goes once and in pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use psycache::access::Audit;
use psycache::proto::peer_client::PeerClient;
use psycache::proto::{PeerClear, PeerGet, PeerRequest, PeerResponse, peer_request, peer_response};
use psycache::server::PeerGate;
use psycache::tls::Names;
use psycache::transport::peer::Peer;
use psycache::transport::remote::{PeerCall, Remote, RemoteError, Response};
use psycache::value::Ttl;
use psycache::value::{Answer, Origin};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Status, Streaming};

use super::proxy::Proxy;
use super::scripted::{Asked, Script, Scripted};
use super::{LONG, MAX_VALUE_BYTES, Server, done, request, soon};
use crate::patience::{seen, until};

/// Requests of a stream that a node works on at a time.
const AT_ONCE: usize = 1_024;

struct Between {
    script: Script,
    peer: Arc<Peer>,
    _server: Server<Scripted>,
}

impl Between {
    async fn start() -> Self {
        let (local, script) = Scripted::new();
        let server = Server::of("127.0.0.1:0", local).await;
        Self { script, peer: Arc::new(server.connect()), _server: server }
    }

    fn ask(&self, key: &str, call: PeerCall) -> JoinHandle<Result<Response, RemoteError>> {
        let (peer, request) = (Arc::clone(&self.peer), request(key, call));
        tokio::spawn(async move { peer.ask(request, LONG).await })
    }
}

fn value(bytes: impl Into<Bytes>) -> Response {
    let value: Bytes = bytes.into();
    let answer = Answer::new(value.into(), Origin::Peer, None);
    Response::Value { answer, lent_ms: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellations_free_the_places_of_a_full_stream() {
    let mut between = Between::start().await;
    let asking: Vec<_> = (0..AT_ONCE).map(|_| between.ask("slow", PeerCall::Get)).collect();
    let mut running = Vec::new();
    while running.len() < AT_ONCE {
        running.push(between.script.asked().await);
    }
    // There is no place for these, neither here nor there.
    let waiting: Vec<_> = (0..AT_ONCE).map(|_| between.ask("next", PeerCall::Get)).collect();
    asking.iter().for_each(JoinHandle::abort);
    join_all(running.into_iter().map(Asked::given_up)).await;
    for _ in 0..AT_ONCE {
        let next = between.script.asked().await;
        assert_eq!(next.request.key, "next");
        next.answer(Ok(value("630")));
    }
    for answer in soon("all are answered", join_all(waiting)).await {
        assert_eq!(answer.expect("no panic"), Ok(value("630")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_has_begun_runs_to_its_end_and_keeps_its_place() {
    let mut between = Between::start().await;
    let set =
        |value: &'static [u8]| PeerCall::Set { value: value.into(), ttl: Ttl::OfGroup, version: 0 };
    let large = PeerCall::Set { value: vec![0; 1 << 20].into(), ttl: Ttl::OfGroup, version: 0 };
    let mut begun = Vec::new();
    for call in [set(b"1"), PeerCall::Remove, PeerCall::Clear, large] {
        let asking = between.ask("Tom", call);
        begun.push(between.script.asked().await);
        asking.abort();
        assert!(asking.await.expect_err("it was aborted").is_cancelled());
    }
    // So is one whose caller had no time for it.
    let hurried = between.peer.ask(request("Tom", set(b"2")), Duration::from_millis(60)).await;
    assert!(hurried.is_err(), "{hurried:?}");
    begun.push(between.script.asked().await);
    // A read after them is given up, by its deadline and because its caller is gone:
    // they were not.
    let asking = between.ask("Jack", PeerCall::Get);
    let read = between.script.asked().await;
    let hurried = between.peer.ask(request("Jack", PeerCall::Get), Duration::from_millis(60)).await;
    assert!(hurried.is_err(), "{hurried:?}");
    between.script.asked().await.given_up().await;
    asking.abort();
    read.given_up().await;
    for change in begun {
        assert!(!change.is_given_up(), "{:?}", change.request.call.method());
        change.answer(Ok(done(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_outlives_the_connection_that_it_came_by() {
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", local).await;
    let peer = Arc::new(server.connect());
    let asking = |call| {
        let peer = Arc::clone(&peer);
        tokio::spawn(async move { peer.ask(request("Tom", call), LONG).await })
    };
    let (change, read) = (asking(PeerCall::Remove), asking(PeerCall::Get));
    let (first, second) = (script.asked().await, script.asked().await);
    let (removal, get) = match first.request.call {
        PeerCall::Remove => (first, second),
        _ => (second, first),
    };
    change.abort();
    read.abort();
    let _ = (change.await, read.await);
    drop(peer);
    get.given_up().await;
    assert!(!removal.is_given_up());
    removal.answer(Ok(done(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_caller_is_no_node_any_more() {
    let (local, mut script) = Scripted::new();
    let (is_node, audit) = (Arc::new(AtomicBool::new(true)), Arc::<Audit>::default());
    let known = Arc::clone(&is_node);
    let check = Arc::new(move |_: &Names| known.load(Ordering::Relaxed));
    let gate = PeerGate::new(None, Some(check), Arc::clone(&audit));
    let server = Server::behind(gate, "127.0.0.1:0", local).await;
    let mut caller = Greedy::to(&server).await;
    caller.send(1, peer_request::Call::Get(PeerGet {}));
    let read = script.asked().await;
    caller.send(2, peer_request::Call::Clear(PeerClear {}));
    let change = script.asked().await;

    is_node.store(false, Ordering::Relaxed);
    let end = caller.end().await;
    assert_eq!(end.code(), Code::PermissionDenied, "{end:?}");
    assert!(end.message().contains("only nodes of the cluster"), "{end:?}");
    assert!(audit.counts().contains(&("refused", 1)), "{:?}", audit.counts());
    read.given_up().await;
    assert!(!change.is_given_up(), "a change that has begun runs to its end");
    change.answer(Ok(done(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_value_is_answered_once_and_small_ones_overtake_it() {
    for passed_before in [STEP, 16 << 20] {
        a_small_answer_overtakes(passed_before).await;
    }
}

/// Bytes that the network passes on at a time.
const STEP: u64 = 256 << 10;

/// Answers a small request when so many bytes of a large answer have passed.
async fn a_small_answer_overtakes(passed_before: u64) {
    const BYTES: usize = 32 << 20;
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", local).await;
    let proxy = Proxy::to(server.address).await;
    let peer = Arc::new(Peer::new(&proxy.address.to_string(), MAX_VALUE_BYTES));
    let ask = |key: &'static str| {
        let peer = Arc::clone(&peer);
        tokio::spawn(async move { peer.ask(request(key, PeerCall::Get), LONG).await })
    };
    let large = ask("large");
    let asked_large = script.asked().await;
    let mut small = ask("small");
    let asked_small = script.asked().await;
    let before = proxy.bytes();
    let mut limit = before + passed_before;
    proxy.limit(limit);
    let content: Vec<u8> = (0..BYTES).map(|at| (at / 7) as u8).collect();
    asked_large.answer(Ok(value(content.clone())));
    // It is on its way, and the network holds the rest of it back.
    proxy.taken(limit).await;
    asked_small.answer(Ok(value("630")));
    while !small.is_finished() && !large.is_finished() {
        limit += STEP;
        proxy.limit(limit);
        tokio::select! {
            answer = &mut small => assert_eq!(answer.expect("no panic"), Ok(value("630"))),
            _ = proxy.taken(limit) => continue,
        }
        break;
    }
    let passed = limit - before;
    assert!(passed < BYTES as u64, "{passed} bytes: it came behind the large one");
    assert!(!large.is_finished());
    proxy.open();
    let answer = soon("it is answered", large).await.expect("no panic");
    assert!(answer == Ok(value(content)), "it arrives as it was");
    let passed = proxy.bytes() - before;
    assert!(passed < BYTES as u64 * 5 / 4, "{passed} bytes: it crosses once");
    assert!(script.is_over(), "it is asked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_asker_takes_is_not_gathered() {
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", local).await;
    let peer = Arc::new(Peer::new(&server.address.to_string(), 1 << 20));
    let asking = Arc::clone(&peer);
    let large =
        tokio::spawn(async move { asking.ask(request("large", PeerCall::Get), LONG).await });
    script.asked().await.answer(Ok(value(vec![0; 32 << 20])));
    let refused = soon("it is refused", large).await.expect("no panic");
    let Err(RemoteError::Unreachable(problem)) = refused else { panic!("it is too large") };
    assert!(problem.contains("1048576"), "{problem}");
    // The stream lives on.
    let asking = tokio::spawn(async move { peer.ask(request("small", PeerCall::Get), LONG).await });
    script.asked().await.answer(Ok(value("630")));
    assert_eq!(asking.await.expect("no panic"), Ok(value("630")));
}

/// An asker that does not keep to the number of requests.
struct Greedy {
    requests: mpsc::UnboundedSender<PeerRequest>,
    answers: Streaming<PeerResponse>,
}

impl Greedy {
    async fn to<L>(server: &Server<L>) -> Self {
        let (requests, sent) = mpsc::unbounded_channel();
        let client = PeerClient::connect(format!("http://{}", server.address)).await;
        let sent = UnboundedReceiverStream::new(sent);
        let answers = client.expect("it listens").exchange(sent).await.expect("it is served");
        Self { requests, answers: answers.into_inner() }
    }

    fn send(&self, id: u64, call: peer_request::Call) {
        let (key, call) = ("slow".into(), Some(call));
        let message = PeerRequest { id, timeout_ms: u32::MAX, key, call, ..PeerRequest::default() };
        self.requests.send(message).expect("the stream is open");
    }

    /// Why the stream ended.
    async fn end(&mut self) -> Status {
        let ended = soon("the stream ends", self.answers.message()).await;
        ended.expect_err("nothing was answered")
    }

    async fn refused(&mut self) -> u64 {
        let answer = soon("it is refused", self.answers.message()).await.expect("it is open");
        let answer = answer.expect("it is open");
        let Some(peer_response::Answer::Failure(failure)) = answer.answer else {
            panic!("{answer:?}");
        };
        assert!(failure.reason.contains("1024"), "{failure:?}");
        answer.id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asker_with_too_many_requests_is_read_and_refused() {
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", local).await;
    let mut greedy = Greedy::to(&server).await;
    let get = || peer_request::Call::Get(PeerGet {});
    let places = AT_ONCE as u64;
    (1..=places + 1).for_each(|id| greedy.send(id, get()));
    assert_eq!(greedy.refused().await, places + 1);
    greedy.send(places + 2, peer_request::Call::Clear(PeerClear {}));
    assert_eq!(greedy.refused().await, places + 2);

    let mut begun = Vec::new();
    while begun.len() <= AT_ONCE {
        begun.push(script.asked().await);
    }
    // The get that was refused had been begun, the change had not. The gets begin in any order.
    let given_up = || begun.iter().filter(|asked| asked.is_given_up()).count();
    until("the get that was refused is given up", async || given_up() == 1).await;
    greedy.send(0, peer_request::Call::Cancel(1));
    greedy.send(places + 3, peer_request::Call::Clear(PeerClear {}));
    // Dropped unanswered, it would end the stream with a panic.
    let clear = script.asked().await;
    assert_eq!(clear.request.call, PeerCall::Clear);
    seen(async || match given_up() {
        2 => Ok(()),
        others => Err(format!("{others} gets are given up, not the refused and the cancelled one")),
    })
    .await;
}
