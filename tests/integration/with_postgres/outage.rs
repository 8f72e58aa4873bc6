//! A database that goes away and comes back while the node serves.

use super::{Database, LATE, SCORES, UNAVAILABLE, client, get, node, refused, value};
use crate::outages::{self, Source};
use crate::patience::until;

#[tokio::test]
async fn a_node_starts_before_its_database_and_outlives_it() {
    let mut database = Database::start();
    database.stop();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    let address = database.address();
    refused(&client, "Tom", UNAVAILABLE, &[&address, "\"postgres\"", "refused"]).await;
    database.run();
    assert_eq!(value(&client, "Tom").await, "630");
    database.stop();
    refused(&client, "Jack", UNAVAILABLE, &[&address, "refused"]).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.run();
    assert_eq!(value(&client, "Jack").await, "589");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_during_a_query_is_replaced_by_another() {
    let databases = outages::two(Database::start);
    let query = "SELECT score FROM student, pg_sleep(CASE score WHEN 567 THEN 3600 ELSE 0 END)
        WHERE name = $1";
    let node = node(&databases[0], query, &["--load-timeout", "60s"]);
    outages::assert_follows(&node, databases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_an_outage_fails_no_resident_key_with_stale_if_error_and_both_recover() {
    let database = Database::start();
    let nodes = outages::NODES.map(|more| node(&database, SCORES, more));
    outages::assert_recover(nodes, database).await;
}

#[tokio::test]
async fn a_server_without_a_free_connection_is_unavailable_until_it_has_one() {
    let database = Database::start();
    database.sql("ALTER ROLE psy CONNECTION LIMIT 1");
    let first = node(&database, SCORES, &[]);
    let held = crate::scores::client(&first).await;
    assert_eq!(value(&held, "Tom").await, "630");
    let second = node(&database, SCORES, &[]);
    let waiting = crate::scores::client(&second).await;
    refused(&waiting, "Tom", UNAVAILABLE, &["53300", "too many connections"]).await;
    drop((held, first));
    until("the place is free", async || get(&waiting, "Tom").await.is_ok()).await;
}

#[tokio::test]
async fn a_session_that_hangs_costs_one_load_its_time() {
    let database = Database::start();
    let node = node(&database, SCORES, &["--load-timeout", "5s"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.signal_sessions("STOP");
    refused(&client, "Jack", LATE, &["5000 ms"]).await;
    // A new session is asked.
    assert_eq!(value(&client, "Jack").await, "589");
    database.signal_sessions("CONT");
}

#[tokio::test]
async fn a_server_that_becomes_read_only_under_its_connections_is_asked_on() {
    let database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    database.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    database.sql("SELECT pg_reload_conf()");
    until("it is so", async || database.row("SHOW transaction_read_only") == "on").await;
    assert_eq!(value(&client, "Jack").await, "589");
}
