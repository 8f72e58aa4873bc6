//! A node that hangs is told from one whose source is slow, and one that nobody asks
//! costs nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use psycache::transport::peer::Peer;
use psycache::transport::remote::{PeerCall, Reachability, Remote, RemoteError, Response};
use psycache::value::{Answer, Origin};
use tonic::transport::Endpoint;

use super::proxy::Proxy;
use super::scripted::Scripted;
use super::{LONG, MAX_VALUE_BYTES, Server, get, request};
use crate::patience::{soon, until};

fn value(value: &'static str) -> Response {
    let value = Bytes::from_static(value.as_bytes()).into();
    let answer = Answer::new(value, Origin::Peer, None);
    Response::Value { answer, lent_ms: 0 }
}

fn why(answer: Result<Response, RemoteError>) -> String {
    match answer {
        Err(RemoteError::Unreachable(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_source_is_waited_for_while_the_node_answers_probes() {
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", local).await;
    let peer = Arc::new(server.connect());
    let asking = Arc::clone(&peer);
    let slow = tokio::spawn(async move { asking.ask(request("slow", PeerCall::Get), LONG).await });
    let asked = script.asked().await;
    // That of the connection, and three while the source takes its time.
    for _ in 0..4 {
        script.probed().await;
    }
    assert_eq!(peer.reachability(), Reachability::Connected);
    assert!(!asked.is_given_up());
    asked.answer(Ok(value("late")));
    let answer = soon("the answer arrives", slow).await.expect("no panic");
    assert_eq!(answer, Ok(value("late")));
}

/// As when all its threads wait for a lock: what is sent is read, and that is all.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_answers_nothing_is_given_up_before_its_askers_time_is() {
    let (local, mut script) = Scripted::new();
    let server = Server::of("127.0.0.1:0", Arc::clone(&local)).await;
    let peer = Arc::new(server.connect());
    let ask = |key: &'static str| {
        let peer = Arc::clone(&peer);
        tokio::spawn(async move { peer.ask(request(key, PeerCall::Get), LONG).await })
    };
    let first = ask("a");
    let _a = script.asked().await;
    local.hangs.store(true, Ordering::Release);
    let second = ask("b");
    for asking in [first, second] {
        let problem = why(soon("it is found out", asking).await.expect("no panic"));
        assert!(problem.contains("it does not answer"), "{problem}");
    }
    // Nor does it answer on a new connection, and nobody waits for that.
    until("known to be out of reach", async || {
        matches!(peer.reachability(), Reachability::Unreachable(_))
    })
    .await;
    let at_once = peer.ask(request("c", PeerCall::Get), LONG).now_or_never();
    why(at_once.expect("it does not wait"));

    local.hangs.store(false, Ordering::Release);
    until("connected again", async || peer.reachability() == Reachability::Connected).await;
    let third = ask("c");
    script.asked().await.answer(Ok(value("630")));
    assert_eq!(soon("it is answered", third).await.expect("no panic"), Ok(value("630")));
}

/// As when its machine has lost its power, or its process was stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_passes_nothing_is_given_up() {
    let server = Server::start("127.0.0.1:0").await;
    let proxy = Proxy::to(server.address).await;
    let peer = Peer::new(&proxy.address.to_string(), MAX_VALUE_BYTES);
    assert_eq!(get(&peer, "Tom").await.as_deref(), Ok(&b"Tom"[..]));
    proxy.limit(0);
    let problem = why(soon("it is found out", peer.ask(request("Tom", PeerCall::Get), LONG)).await);
    assert!(problem.contains("it does not answer"), "{problem}");
    until("known to be out of reach", async || {
        matches!(peer.reachability(), Reachability::Unreachable(_))
    })
    .await;
    let at_once = peer.ask(request("Tom", PeerCall::Get), LONG).now_or_never();
    why(at_once.expect("it does not wait"));
    proxy.open();
    until("connected again", async || peer.reachability() == Reachability::Connected).await;
    assert_eq!(get(&peer, "Tom").await.as_deref(), Ok(&b"Tom"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_time_is_one_that_can_be_waited_for() {
    let server = Server::start("127.0.0.1:0").await;
    let peer = server.connect();
    let tom = peer.ask(request("Tom", PeerCall::Get), Duration::MAX).await;
    assert_eq!(tom, Ok(value("Tom")));
    assert!(peer.ask(request("wait", PeerCall::Get), Duration::ZERO).await.is_err());
}

#[tokio::test]
async fn nothing_is_connected_before_somebody_asks() {
    let unasked = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    unasked.set_nonblocking(true).expect("it can be");
    let address = unasked.local_addr().expect("bound").to_string();
    let first = Peer::new(&address, MAX_VALUE_BYTES);
    // What comes later has connected, asked and been answered before.
    let server = Server::start("127.0.0.1:0").await;
    let second = server.connect();
    assert_eq!(get(&second, "Tom").await.as_deref(), Ok(&b"Tom"[..]));
    let nobody = unasked.accept().expect_err("nobody has connected");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);

    let asked = first.ask(request("Tom", PeerCall::Get), LONG);
    let mut asked = std::pin::pin!(asked);
    assert!(asked.as_mut().now_or_never().is_none(), "it connects");
    until("it has connected", async || unasked.accept().is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_uses_is_silent() {
    let server = Server::start("127.0.0.1:0").await;
    let (idle, pinged) = (Proxy::to(server.address).await, Proxy::to(server.address).await);
    let peer = Peer::new(&idle.address.to_string(), MAX_VALUE_BYTES);
    assert_eq!(get(&peer, "Tom").await.as_deref(), Ok(&b"Tom"[..]));
    // The time is told by a connection of another kind.
    let endpoint = Endpoint::from_shared(format!("http://{}", pinged.address)).expect("a URI");
    let endpoint = endpoint.http2_keep_alive_interval(Duration::from_millis(200));
    let _pinging = endpoint.keep_alive_while_idle(true).connect().await.expect("it listens");
    let mut told = pinged.taken(0).await;
    for _ in 0..4 {
        // A ping and its answer; acknowledgements of what was said before are over.
        told = pinged.taken(told).await;
    }
    let quiet = idle.bytes();
    for _ in 0..12 {
        told = pinged.taken(told).await;
    }
    assert_eq!(idle.bytes(), quiet);
    assert_eq!(peer.reachability(), Reachability::Connected);
}
