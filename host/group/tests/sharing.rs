//! One load for all who ask, however they and it end.

use futures::future::join_all;
use futures::poll;

use super::*;
use crate::error::Error;
use crate::telemetry::{GetResult, LoadOutcome};

#[tokio::test]
async fn a_thousand_callers_are_one_load() {
    let mut rig = rig();
    let gets = join_all((0..1000).map(|_| rig.group.get("Tom", PATIENCE)));
    let source = async { rig.calls.recv().await.expect("one load").finds("630") };
    let (replies, ()) = futures::future::join(gets, source).await;
    assert!(replies.iter().all(|reply| reply.as_ref().is_ok_and(|a| a.value == "630")));
    assert_eq!(rig.held("Tom").await.unwrap().value, "630");
    let counts = rig.group.counters().snapshot();
    assert_eq!(counts.gets(GetResult::Miss), 1000);
    assert_eq!(counts.gets(GetResult::Hit), 1);
    assert_eq!(counts.loads(LoadOutcome::Found), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_a_load_too() {
    let mut rig = rig();
    let gets = (0..100).map(|_| {
        let group = Arc::clone(&rig.group);
        tokio::spawn(async move { group.get("Tom", PATIENCE).await })
    });
    let gets: Vec<_> = gets.collect();
    rig.calls.recv().await.expect("one load").finds("630");
    for get in gets {
        assert_eq!(get.await.unwrap().unwrap().value, "630");
    }
    assert!(rig.calls.try_recv().is_err(), "a second load");
}

#[tokio::test]
async fn the_first_caller_leaves_and_the_others_are_answered() {
    let mut rig = rig();
    let group = Arc::clone(&rig.group);
    let mut first = Box::pin(group.get("Tom", PATIENCE));
    assert!(poll!(&mut first).is_pending());
    let mut second = Box::pin(group.get("Tom", PATIENCE));
    assert!(poll!(&mut second).is_pending());
    let call = rig.calls.recv().await.unwrap();
    drop(first);
    call.finds("630");
    assert_eq!(second.await.unwrap().value, "630");
}

#[tokio::test]
async fn a_load_is_given_up_when_all_have_left() {
    let mut rig = rig();
    let (get, mut call) = rig.begin("Tom").await;
    get.abort();
    call.answer.closed().await;
    assert_eq!(rig.group.flights.len(), 0);
    assert_eq!(rig.load("Tom", "630").await.value, "630");
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Abandoned), 1);
}

#[tokio::test]
async fn a_load_that_the_source_works_for_goes_on_without_callers_and_is_joined() {
    let mut rig = rig_that_works_on();
    let (first, call) = rig.begin("Tom").await;
    first.abort();
    first.await.expect_err("it has left");
    let group = Arc::clone(&rig.group);
    let mut second = Box::pin(group.get("Tom", PATIENCE));
    assert!(poll!(&mut second).is_pending());
    assert!(rig.calls.try_recv().is_err(), "a second load");
    drop(second);
    call.finds("630");
    while rig.group.flights.len() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.held("Tom").await.unwrap().value, "630");
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Abandoned), 0);
}

#[tokio::test]
async fn a_panic_of_the_retriever_fails_all_and_frees_the_key() {
    let mut rig = rig();
    let group = Arc::clone(&rig.group);
    let mut second = Box::pin(group.get("Tom", PATIENCE));
    let (first, call) = rig.begin("Tom").await;
    assert!(poll!(&mut second).is_pending());
    call.runs(|| panic!("as the test wants"));
    assert!(matches!(first.await.unwrap(), Err(Error::Internal(_))));
    assert!(matches!(second.await, Err(Error::Internal(_))));
    assert_eq!(rig.group.flights.len(), 0);
    assert_eq!(rig.load("Tom", "630").await.value, "630");
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Lost), 1);
}

#[tokio::test]
async fn many_keys_are_answered_in_their_order() {
    let mut rig = rig();
    rig.set("Tom", "630").await;
    let keys = ["Jack", "Tom", "Jack", "", "Ann"];
    let source = async {
        for _ in 0..2 {
            let call = rig.calls.recv().await.unwrap();
            match call.key.as_str() {
                "Jack" => call.finds("589"),
                _ => call.ends(Ok(None)),
            }
        }
    };
    let (replies, ()) =
        futures::future::join(rig.group.get_many(&keys, PATIENCE, u64::MAX), source).await;
    let values: Vec<_> = replies.iter().map(|r| r.as_ref().map(|a| a.value.as_ref())).collect();
    let [Ok(b"589"), Ok(b"630"), Ok(b"589"), Err(Error::InvalidKey { .. }), Err(Error::NotFound)] =
        values[..]
    else {
        panic!("{values:?}");
    };
}

#[tokio::test]
async fn many_keys_do_not_ask_the_source_all_at_once() {
    let mut rig = rig();
    let keys: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let group = Arc::clone(&rig.group);
    let many = tokio::spawn(async move { group.get_many(&keys, PATIENCE, u64::MAX).await });
    let mut calls = Vec::new();
    for _ in 0..64 {
        calls.push(rig.calls.recv().await.unwrap());
    }
    // The loads that were started have all run up to their answer by now.
    tokio::task::yield_now().await;
    assert!(rig.calls.try_recv().is_err(), "a 65th load beside 64");
    calls.into_iter().for_each(|call| call.finds("1"));
    for _ in 64..100 {
        rig.calls.recv().await.unwrap().finds("1");
    }
    assert!(many.await.unwrap().iter().all(Result::is_ok));
}
