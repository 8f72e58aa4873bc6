//! Each call of the cache, asked alone.

use std::time::Duration;

use bytes::Bytes;
use psycache::proto::{
    ClearRequest, GetManyRequest, Origin, RemoveManyRequest, RemoveRequest, SetEntry,
    SetManyRequest, SetRequest, get_result, remove_result, set_result,
};
use tonic::Code;

use super::{get, served};

fn set(key: &'static str, value: &'static str, ttl: Duration) -> SetRequest {
    let ttl_ms = ttl.as_millis() as u64;
    SetRequest {
        group: "notes".into(),
        key: key.into(),
        value: value.into(),
        ttl_ms,
        ..SetRequest::default()
    }
}

#[tokio::test]
async fn a_get_loads_once_and_then_hits() {
    let served = served().await;
    let loaded = served.get("Tom").await.unwrap();
    assert_eq!(loaded.value, "value of Tom");
    assert_eq!(loaded.origin(), Origin::Loaded);
    assert_eq!(loaded.ttl_ms, 0);
    let hit = served.get("Tom").await.unwrap();
    assert_eq!((hit.value, hit.origin), (loaded.value, Origin::Hit.into()));
}

#[tokio::test]
async fn an_answer_says_how_long_it_may_be_kept() {
    let served = served().await;
    let ttl_ms = served.get("brief").await.unwrap().ttl_ms;
    assert!((1..=60_000).contains(&ttl_ms), "{ttl_ms}");
}

#[tokio::test]
async fn what_is_set_is_read_until_it_is_removed() {
    let served = served().await;
    let mut client = served.client();
    client.set(set("a", "one", Duration::ZERO)).await.unwrap();
    client.set(set("a", "two", Duration::from_secs(60))).await.unwrap();
    let held = client.get(get("notes", "a")).await.unwrap().into_inner();
    assert_eq!((held.value, held.origin), (Bytes::from("two"), Origin::Hit.into()));
    assert!((1..=60_000).contains(&held.ttl_ms), "{}", held.ttl_ms);
    let remove = || RemoveRequest { group: "notes".into(), key: "a".into() };
    assert!(client.remove(remove()).await.unwrap().into_inner().existed);
    assert!(!client.remove(remove()).await.unwrap().into_inner().existed);
    client.get(get("notes", "a")).await.unwrap_err();
}

#[tokio::test]
async fn many_keys_are_answered_in_the_order_asked_each_for_itself() {
    let served = served().await;
    served.get("Tom").await.unwrap();
    let keys = ["Jack", "", "missing", "Tom", "down", "Jack"];
    let mut keys: Vec<Bytes> = keys.map(Bytes::from).into();
    keys.push(Bytes::from_static(b"\xff"));
    let request = GetManyRequest { group: "scores".into(), keys };
    let results = served.client().get_many(request).await.unwrap().into_inner().results;
    let told: Vec<_> = results
        .into_iter()
        .map(|result| match result.result.unwrap() {
            get_result::Result::Found(found) => String::from_utf8(found.value.into()).unwrap(),
            get_result::Result::Failure(failure) => {
                assert!(!failure.message.is_empty());
                format!("{:?} {}", Code::from_i32(failure.code as i32), failure.reason)
            }
        })
        .collect();
    let expected = [
        "value of Jack",
        "InvalidArgument INVALID_KEY",
        "NotFound NOT_FOUND",
        "value of Tom",
        "Unavailable UNAVAILABLE",
        "value of Jack",
        "InvalidArgument INVALID_KEY",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn many_keys_are_removed_each_for_itself() {
    let served = served().await;
    let mut client = served.client();
    client.set(set("a", "one", Duration::ZERO)).await.unwrap();
    let keys = ["a", "", "b"].map(Bytes::from).into();
    let request = RemoveManyRequest { group: "notes".into(), keys };
    let results = client.remove_many(request).await.unwrap().into_inner().results;
    let told: Vec<_> = results
        .into_iter()
        .map(|result| match result.result.unwrap() {
            remove_result::Result::Removed(removed) => Ok(removed.existed),
            remove_result::Result::Failure(failure) => Err(failure.reason),
        })
        .collect();
    assert_eq!(told, [Ok(true), Err("INVALID_KEY".into()), Ok(false)]);
}

#[tokio::test]
async fn many_values_are_set_each_for_itself_and_the_last_of_a_key_counts() {
    let served = served().await;
    let mut client = served.client();
    client.set(set("long", "older", Duration::ZERO)).await.unwrap();
    let entry = |key: &'static str, value: Vec<u8>, ttl_ms| SetEntry {
        key: key.into(),
        value: value.into(),
        ttl_ms,
        ..SetEntry::default()
    };
    let entries = vec![
        entry("a", b"one".into(), 0),
        entry("", b"two".into(), 0),
        entry("long", vec![7; 3 << 20], 0),
        entry("b", b"three".into(), 60_000),
        entry("a", b"four".into(), 0),
        entry("c", b"five".into(), u64::MAX),
    ];
    let request = SetManyRequest { group: "notes".into(), entries };
    let results = client.set_many(request).await.unwrap().into_inner().results;
    let told: Vec<_> = results
        .into_iter()
        .map(|result| match result.result.unwrap() {
            set_result::Result::Set(_) => Ok(()),
            set_result::Result::Failure(failure) => Err(failure.reason),
        })
        .collect();
    let refused = |reason: &str| Err(reason.to_owned());
    let expected = [
        Ok(()),
        refused("INVALID_KEY"),
        refused("TOO_LARGE"),
        Ok(()),
        Ok(()),
        refused("INVALID_ARGUMENT"),
    ];
    assert_eq!(told, expected);
    let value = client.get(get("notes", "a")).await.unwrap().into_inner().value;
    assert_eq!(value, "four");
    let found = client.get(get("notes", "b")).await.unwrap().into_inner();
    assert!((1..=60_000).contains(&found.ttl_ms), "{}", found.ttl_ms);
    for dropped in ["long", "c"] {
        client.get(get("notes", dropped)).await.unwrap_err();
    }
}

#[tokio::test]
async fn clear_drops_every_entry_of_its_group_only() {
    let served = served().await;
    let mut client = served.client();
    served.get("Tom").await.unwrap();
    client.set(set("a", "one", Duration::ZERO)).await.unwrap();
    client.set(set("b", "two", Duration::ZERO)).await.unwrap();
    let request = ClearRequest { group: "notes".into() };
    assert_eq!(client.clear(request).await.unwrap().into_inner().entries, 2);
    client.get(get("notes", "a")).await.unwrap_err();
    assert_eq!(served.get("Tom").await.unwrap().origin(), Origin::Hit);
}
