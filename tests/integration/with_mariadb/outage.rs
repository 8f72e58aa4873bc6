//! A database that goes away and comes back while the node serves.

use psycache::proto::{Origin, SetRequest};
use tonic::Code;

use super::{Database, SCORES, client, get, node, refused, value};
use crate::outages::{self, Source};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_during_a_query_is_replaced_by_another() {
    let databases = outages::two(Database::start);
    let query = "SELECT score + IF(score = 567, SLEEP(3600), 0) FROM student WHERE name = ?";
    let node = node(&databases[0], query, &["--load-timeout", "60s"]);
    outages::assert_follows(&node, databases).await;
}

#[tokio::test]
async fn a_database_that_hangs_costs_no_more_than_the_load_has_until_it_goes_on() {
    let database = Database::start();
    let node = node(&database, SCORES, &["--load-timeout", "5s"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.signal("STOP");
    // On the connection that there is, and on a new one.
    for key in ["Jack", "Sam"] {
        let late = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        refused(&client, key, late, &["5000 ms"]).await;
    }
    assert_eq!(value(&client, "Tom").await, "630");
    database.signal("CONT");
    until("it answers again", async || get(&client, "Jack").await.is_ok()).await;
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test]
async fn a_database_that_becomes_read_only_under_its_connections_is_asked_on() {
    let database = Database::start();
    let node = node(&database, "SELECT score FROM student WHERE name = ? LOCK IN SHARE MODE", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.sql("SET GLOBAL read_only = 1");
    assert_eq!(value(&client, "Jack").await, "589");
    database.sql("SET GLOBAL read_only = 0");
    assert_eq!(value(&client, "Sam").await, "567");
}

#[tokio::test]
async fn a_database_without_a_free_connection_is_unavailable_until_it_has_one() {
    let database = Database::start();
    // The fewest that it takes; one more is for who administers it.
    database.sql("SET GLOBAL max_connections = 10");
    let holders: Vec<_> = (0..10).map(|_| database.session("DO 0")).collect();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    let unavailable = (Code::Unavailable, "UNAVAILABLE");
    refused(&client, "Tom", unavailable, &["1040", "Too many connections"]).await;
    for (mut holder, input) in holders {
        drop(input);
        holder.wait().unwrap();
    }
    until("there is a place", async || get(&client, "Tom").await.is_ok()).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn under_load_an_outage_fails_no_resident_key_with_stale_if_error_and_both_recover() {
    let database = Database::start();
    let nodes = outages::NODES.map(|more| node(&database, SCORES, more));
    outages::assert_recover(nodes, database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_answered_at_once_after_its_ttl_and_renewed_behind_the_get() {
    let database = Database::start();
    let times = ["--ttl", "100ms", "--ttl-jitter", "0%", "--stale-while-revalidate", "1h"];
    let node = node(&database, SCORES, &times);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.sql("UPDATE school.student SET score = 631 WHERE name = 'Tom'");
    let mut stale = 0;
    until("the new value is there", async || {
        let answer = get(&client, "Tom").await.unwrap();
        // Whatever is not in memory is answered as it was.
        stale += usize::from(answer.origin() == Origin::Stale);
        assert_ne!(answer.origin(), Origin::Loaded, "a get has waited for the database");
        *answer.value == *b"631"
    })
    .await;
    assert!(stale > 0);
}
