//! Clients that open more connections than they may have, or open them and ask nothing.

use tokio::io::AsyncReadExt;

use super::frames::{END_STREAM, GOAWAY, get, next_frame, preface, send};
use super::{LISTENERS, node, open, refused, serves_others, until_refused};
use crate::harness::{ServedNode, stdout};
use crate::metrics::scrape::Scrape;
use crate::patience::{soon, until};

async fn open_now(node: &ServedNode, listener: &str) -> f64 {
    Scrape::of(node).await.value("psycache_connections", &[("listener", listener)])
}

#[tokio::test]
async fn an_address_with_too_many_connections_gets_a_sentence_and_others_are_served() {
    let node = node(&["--max-connections-per-address", "20"]);
    for (told, listener) in LISTENERS {
        let address = node.told(told);
        let mut held = Vec::new();
        for _ in 0..20 {
            held.push(open(address).await);
        }
        let mut answer = Vec::new();
        let mut one_more = open(address).await;
        soon("it ends", one_more.read_to_end(&mut answer)).await.expect("a sentence, not a reset");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("max-connections-per-address"), "{listener}: {answer}");
        assert_eq!(refused(&node, listener, "address").await, 1.0);
        serves_others(&node).await;
        // A place is free again when its connection ends.
        held.clear();
        until("they end", async || open_now(&node, listener).await <= 1.0).await;
        let _again = open(address).await;
        until("it is let in", async || open_now(&node, listener).await >= 1.0).await;
        assert_eq!(refused(&node, listener, "address").await, 1.0);
    }
}

#[tokio::test]
async fn a_listener_with_all_its_connections_leaves_those_of_the_others() {
    let node = node(&["--max-connections", "20"]);
    let mut held = Vec::new();
    for _ in 0..25 {
        held.push(open(node.told("redis")).await);
    }
    until_refused(&node, "redis", "connections", 5).await;
    assert_eq!(open_now(&node, "redis").await, 20.0);
    // The page that tells it, and gRPC.
    let got = node.run(["get", "default", "Tom"]);
    assert_eq!(stdout(&got), "630");
    let mut answer = String::new();
    held.pop().expect("the last").read_to_string(&mut answer).await.expect("a sentence");
    assert!(answer.starts_with("-ERR ") && answer.contains("max-connections"), "{answer}");
}

#[tokio::test]
async fn hundreds_of_connections_that_ask_nothing_end_and_others_are_served() {
    const SILENT: usize = 300;
    let node = node(&["--first-request-timeout", "1s"]);
    for (told, listener) in LISTENERS {
        let mut silent = Vec::new();
        for _ in 0..SILENT {
            silent.push(open(node.told(told)).await);
        }
        serves_others(&node).await;
        until_refused(&node, listener, "first-request", SILENT).await;
        for mut one in silent {
            let mut rest = Vec::new();
            // A reset is an end, too.
            let _ = soon("it ends", one.read_to_end(&mut rest)).await;
        }
        until("they end", async || open_now(&node, listener).await <= 1.0).await;
        serves_others(&node).await;
    }
}

#[tokio::test]
async fn an_idle_client_is_told_to_leave_and_answered_if_it_asks_meanwhile() {
    let node = node(&["--first-request-timeout", "500ms"]);
    let mut stream = open(node.address()).await;
    assert!(send(&mut stream, &preface()).await);
    let farewell = async {
        loop {
            let frame = next_frame(&mut stream).await.expect("a farewell before the end");
            if frame.kind == GOAWAY {
                return frame.payload;
            }
        }
    };
    let farewell = soon("it is told to leave", farewell).await;
    assert_eq!(farewell[4..8], [0; 4], "NO_ERROR");
    // It was on the way.
    assert!(send(&mut stream, &get(1, "Tom")).await);
    let answered = async {
        loop {
            let frame = next_frame(&mut stream).await.expect("it is answered first");
            if frame.stream == 1 && frame.flags & END_STREAM != 0 {
                return;
            }
        }
    };
    soon("it is answered", answered).await;
    assert_eq!(refused(&node, "grpc", "first-request").await, 1.0);

    // One that asks nothing and does not leave.
    let mut silent = open(node.address()).await;
    assert!(send(&mut silent, &preface()).await);
    let end = async { while next_frame(&mut silent).await.is_some() {} };
    soon("it ends", end).await;
    assert_eq!(refused(&node, "grpc", "first-request").await, 2.0);
}
