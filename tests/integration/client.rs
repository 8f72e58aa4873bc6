//! The client library and real nodes.

use std::time::Duration;

use futures::future::join_all;
use psycache::client::{Client, ClientConfig, ConnectError, Reason};
use psycache::value::Origin;

use crate::harness::ServedNode;
use crate::patience::PATIENCE;

async fn client_of(nodes: &[&ServedNode]) -> Client {
    let config = ClientConfig::list(nodes.iter().map(|node| node.address()));
    Client::connect(config).await.expect("the addresses are right")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_answered() {
    let node = ServedNode::start(&[]);
    let client = client_of(&[&node]).await;
    let answer = client.get("default", "Tom").await.expect("Tom is known");
    assert_eq!((&*answer.value, answer.origin), (&b"630"[..], Origin::Loaded));
    assert!(answer.ttl.is_some_and(|ttl| ttl <= Duration::from_secs(600)));
    assert_eq!(client.get("default", "Tom").await.expect("it is held").origin, Origin::Hit);

    client.set("default", "Ada", "1815", Some(Duration::from_secs(60))).await.expect("it is set");
    let many = client.get_many("default", &["Ada", "", "Tom", "Nobody"]).await.expect("answers");
    let reasons: Vec<_> = many.iter().map(|one| one.as_ref().map_err(|e| e.reason)).collect();
    assert_eq!(reasons[0].map(|found| &found.value[..]), Ok(&b"1815"[..]));
    assert_eq!(reasons[1].map(drop), Err(Reason::InvalidKey));
    assert_eq!(reasons[2].map(|found| &found.value[..]), Ok(&b"630"[..]));
    assert_eq!(reasons[3].map(drop), Err(Reason::NotFound));

    assert_eq!(client.remove("default", "Ada").await, Ok(true));
    assert_eq!(client.remove_many("default", &["Ada", "Tom"]).await, Ok(vec![Ok(false), Ok(true)]));
    client.set("default", "Ada", "1815", None).await.expect("it is set");
    assert_eq!(client.clear("default").await, Ok(2), "Ada, and that there is no Nobody");

    let error = client.get("scores", "Tom").await.expect_err("there is no such group");
    assert_eq!(error.reason, Reason::UnknownGroup);
    assert!(error.message.contains("default"), "{error}");
    let short = client.set("default", "Ada", "1", Some(Duration::from_nanos(1))).await;
    assert_eq!(short.expect_err("no time at all").reason, Reason::InvalidArgument);
}

/// What the README shows is what the documentation runs.
#[test]
fn the_readme_shows_the_example_that_is_tested() {
    let documentation = include_str!("../../host/client/mod.rs");
    let shown = crate::readme::block("rust", "use psycache::client");
    for line in shown.lines().filter(|line| !line.is_empty()) {
        assert!(documentation.contains(&format!("//! {line}\n")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_go_beside_the_stream() {
    let node = ServedNode::start(&["--capacity", "256MiB", "--max-value", "100MiB"]);
    let mut config = ClientConfig::list([node.address()]);
    config.max_value_bytes = 100 << 20;
    config.timeout = PATIENCE;
    let client = Client::connect(config).await.expect("the address is right");
    for bytes in [65_536, 65_537, 1 << 20, 80 << 20] {
        let value = vec![7_u8; bytes];
        client.set("default", "large", value.clone(), None).await.expect("it is set");
        assert_eq!(client.get("default", "large").await.expect("it is held").value, value);
    }
    // One that takes less learns why, and its stream lives on.
    let small = client_of(&[&node]).await;
    let refused = small.get("default", "large").await.expect_err("80 MiB are too much");
    assert_eq!(refused.reason, Reason::TooLarge);
    assert_eq!(small.get("default", "Tom").await.expect("Tom is known").value, "630");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_fails_no_call() {
    let nodes = [ServedNode::start(&[]), ServedNode::start(&[])];
    let client = client_of(&[&nodes[0], &nodes[1]]).await;
    let gets = || async {
        let gets = (0..64).map(|n| {
            let client = &client;
            async move { client.get("default", ["Tom", "Jack", "Sam"][n % 3]).await }
        });
        join_all(gets.collect::<Vec<_>>()).await
    };
    assert!(gets().await.iter().all(Result::is_ok));
    let [dying, living] = nodes;
    dying.signal("KILL");
    for answer in gets().await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    drop(dying);
    assert!(gets().await.iter().all(Result::is_ok));
    drop(living);
    let error = client.get("default", "Tom").await.expect_err("nobody is there");
    assert_eq!(error.reason, Reason::Unreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_ends_its_stream_and_fails_no_call() {
    let nodes = [ServedNode::start(&[]), ServedNode::start(&[])];
    let client = client_of(&[&nodes[0], &nodes[1]]).await;
    let [leaving, staying] = nodes;
    let asking = tokio::spawn(async move {
        let mut failures = Vec::new();
        let mut count = 0_u32;
        // Until the node has gone, and on.
        let mut after = 0;
        while after < 50 {
            let key = ["Tom", "Jack", "Sam"][count as usize % 3];
            failures.extend(client.get("default", key).await.err());
            count += 1;
            after += u32::from(std::net::TcpStream::connect(leaving.address()).is_err());
            if count == 50 {
                leaving.signal("TERM");
            }
        }
        (failures, leaving.ended().0)
    });
    let (failures, status) = asking.await.expect("it ends");
    assert!(failures.is_empty(), "{failures:?}");
    assert!(status.success());
    drop(staying);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_delays_no_call_past_its_time() {
    let nodes = [ServedNode::start(&[]), ServedNode::start(&[])];
    let client = client_of(&[&nodes[0], &nodes[1]]).await.with_timeout(Duration::from_secs(2));
    for key in ["Tom", "Jack", "Sam"] {
        client.get("default", key).await.expect("it is known");
    }
    nodes[0].signal("STOP");
    let gets = ["Tom", "Jack", "Sam"].map(|key| client.get("default", key));
    for answer in join_all(gets).await {
        assert!(answer.is_ok(), "{answer:?}");
    }
    nodes[0].signal("CONT");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_no_client_is_refused() {
    let none = Client::connect(ClientConfig::list(Vec::<String>::new())).await;
    assert!(matches!(none, Err(ConnectError::NoNodes)));
    let nonsense = Client::connect(ClientConfig::list(["http://127.0.0.1:7400"])).await;
    assert!(matches!(nonsense, Err(ConnectError::Address(_))));
    // Nobody listens there.
    let client =
        Client::connect(ClientConfig::list(["127.0.0.1:1"])).await.expect("it is an address");
    let error = client.get("default", "Tom").await.expect_err("nobody is there");
    assert_eq!(error.reason, Reason::Unreachable);
    assert!(error.message.contains("127.0.0.1:1"), "{error}");
}

/// Asks until the client answers by itself. Far more gets than it takes for a key to be hot.
async fn borrow(client: &Client, key: &str, expected: &str) {
    for _ in 0..100_000 {
        let answer = client.get("default", key).await.expect("it is set");
        assert_eq!(answer.value, expected);
        if answer.origin == Origin::Hot {
            return;
        }
    }
    panic!("{key} is never lent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_is_lent_to_a_client_and_a_change_waits_for_the_copy() {
    let node = ServedNode::start(&[]);
    let (reader, writer) = (client_of(&[&node]).await, client_of(&[&node]).await);
    writer.set("default", "Ada", "0", None).await.expect("it is set");
    for round in 0..6 {
        let (old, new) = (round.to_string(), (round + 1).to_string());
        borrow(&reader, "Ada", &old).await;
        match round % 3 {
            0 => writer.set("default", "Ada", new.clone(), None).await.expect("it is set"),
            1 => assert_eq!(writer.remove("default", "Ada").await, Ok(true)),
            _ => assert!(writer.clear("default").await.expect("it is cleared") > 0),
        }
        let read = reader.get("default", "Ada").await;
        match round % 3 {
            0 => assert_eq!(read.expect("it is set").value, new),
            _ => assert_eq!(read.expect_err("it is gone").reason, Reason::NotFound),
        }
        writer.set("default", "Ada", new, None).await.expect("it is set");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_keeps_no_copies_asks_each_time() {
    let node = ServedNode::start(&[]);
    let mut config = ClientConfig::list([node.address()]);
    config.copies_bytes = 0;
    let client = Client::connect(config).await.expect("the address is right");
    client.set("default", "Ada", "1815", None).await.expect("it is set");
    for _ in 0..10_000 {
        assert_eq!(client.get("default", "Ada").await.expect("it is set").origin, Origin::Hit);
    }
}
