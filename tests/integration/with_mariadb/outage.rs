//! A database that goes away and comes back while the node serves.

use psycache::proto::{Origin, SetRequest};
use tonic::Code;

use super::{Database, SCORES, client, get, node, refused, value};
use crate::patience::until;

#[tokio::test]
async fn while_the_database_is_down_the_node_serves_on_and_after_it_loads_again() {
    let mut database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");

    database.stop();
    let unavailable = (Code::Unavailable, "UNAVAILABLE");
    let address = database.address();
    let parts = [&*address, "\"mysql\"", "\"scores\"", "refused"];
    refused(&client, "Jack", unavailable, &parts).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let (group, key) = ("scores".into(), "Ada".into());
    let set = SetRequest { group, key, value: "1815".into(), ..SetRequest::default() };
    client.clone().set(set).await.unwrap();
    assert_eq!(value(&client, "Ada").await, "1815");

    database.run();
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test]
async fn a_node_starts_before_its_database() {
    let mut database = Database::start();
    database.stop();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    refused(&client, "Tom", (Code::Unavailable, "UNAVAILABLE"), &["refused"]).await;
    database.run();
    assert_eq!(value(&client, "Tom").await, "630");
}

#[tokio::test]
async fn with_stale_if_error_a_resident_value_outlives_its_ttl_while_the_database_is_down() {
    let mut database = Database::start();
    let times = ["--ttl", "1s", "--ttl-jitter", "0%", "--stale-if-error", "1h"];
    let stale = node(&database, SCORES, &times);
    let plain = node(&database, SCORES, &times[..4]);
    let (stale, plain) = (client(&stale).await, client(&plain).await);
    assert_eq!(value(&stale, "Tom").await, "630");
    assert_eq!(value(&plain, "Tom").await, "630");
    database.stop();
    let unavailable = loop {
        // Until the second is over, both answer from memory.
        if let Err(status) = get(&plain, "Tom").await {
            break status;
        }
    };
    assert_eq!(unavailable.code(), Code::Unavailable, "{unavailable}");
    let answer = loop {
        let answer = get(&stale, "Tom").await.expect("no get of a resident key fails");
        if answer.origin() != Origin::Hit {
            break answer;
        }
    };
    assert_eq!((&*answer.value, answer.origin()), (b"630".as_slice(), Origin::Stale));
    refused(&stale, "Jack", (Code::Unavailable, "UNAVAILABLE"), &["refused"]).await;

    database.run();
    database.sql("UPDATE school.student SET score = 631 WHERE name = 'Tom'");
    until("the new value is loaded", async || value(&stale, "Tom").await == "631").await;
    assert_eq!(value(&plain, "Tom").await, "631");
}
