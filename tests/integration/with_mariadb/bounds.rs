//! What callers that give up cost the database.

use std::process::{Child, ChildStdin};
use std::time::Duration;

use futures::future::join_all;
use psycache::proto::GetRequest;
use serde_json::Value;
use tonic::{Code, Request};

use super::{Database, client, get, node, refused, value};
use crate::harness::{ServedNode, stdout};
use crate::patience::until;
use crate::scores::metrics;

const LOCKING: &str = "SELECT score FROM student WHERE name = ? LOCK IN SHARE MODE";

/// How many statements with `part` in them the server runs at present.
fn running(database: &Database, part: &str) -> usize {
    let running = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST
         WHERE USER = 'psy' AND COMMAND = 'Query' AND INFO LIKE '%{part}%'"
    );
    database.row(&running).parse().unwrap()
}

/// A session that has locked Tom's row, until its input is dropped.
fn locked(database: &Database) -> (Child, ChildStdin) {
    database.session("BEGIN; SELECT score FROM school.student WHERE name = 'Tom' FOR UPDATE")
}

#[tokio::test]
async fn callers_that_give_up_on_a_locked_row_are_one_query_and_harm_no_other_key() {
    let database = Database::start();
    let (mut holder, lock) = locked(&database);

    let node = node(&database, LOCKING, &["--load-timeout", "30s"]);
    let client = client(&node).await;
    for _ in 0..4 {
        let gets = (0..15).map(|_| {
            let (group, key) = ("scores".into(), "Tom".into());
            let mut request = Request::new(GetRequest { group, key, may_lend: false });
            request.set_timeout(Duration::from_millis(100));
            let mut client = client.clone();
            async move { client.get(request).await.unwrap_err().code() }
        });
        for code in join_all(gets).await {
            assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code}");
        }
        assert_eq!(running(&database, "LOCK IN SHARE MODE"), 1);
    }
    assert_eq!(value(&client, "Jack").await, "589");
    drop(lock);
    holder.wait().unwrap();
    assert_eq!(value(&client, "Tom").await, "630");
    assert_eq!(database.executed(&LOCKING.replace('?', "'Tom'")), 1);
}

#[tokio::test]
async fn the_server_ends_a_query_that_its_load_does_not_wait_for_any_more() {
    let database = Database::start();
    // Each of 100,000 rows sleeps: one that is only noticed to be unwanted at its end is seen.
    let query = "SELECT SUM(SLEEP(0.01)) + LENGTH(?) FROM seq_1_to_100000";
    let node = node(&database, query, &["--load-timeout", "500ms"]);
    let client = client(&node).await;
    let late = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    for key in ["a", "b"] {
        refused(&client, key, late, &["500 ms"]).await;
    }
    until("the server ends it", async || running(&database, "seq_1_to_100000") == 0).await;
}

#[tokio::test]
async fn a_limit_of_the_servers_own_is_told_in_its_words() {
    let database = Database::start();
    for host in ["localhost", "127.0.0.1"] {
        database.sql(&format!("ALTER USER psy@'{host}' WITH MAX_STATEMENT_TIME 0.1"));
    }
    let query = "SELECT SUM(SLEEP(0.01)) + LENGTH(?) FROM seq_1_to_100000";
    let node = node(&database, query, &["--load-timeout", "20s"]);
    let client = client(&node).await;
    refused(&client, "Tom", (Code::Unavailable, "UNAVAILABLE"), &["1969", "max_statement_time"])
        .await;
}

/// The status of the loads of the node's only group.
fn source(node: &ServedNode) -> Value {
    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    status["groups"][0]["source"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_beyond_the_queue_is_refused_at_once_and_the_others_end() {
    let database = Database::start();
    let (mut holder, lock) = locked(&database);
    let limits = ["--pool-size", "2", "--max-loads", "1", "--pool-queue", "1"];
    let node = node(&database, LOCKING, &[&limits[..], &["--load-timeout", "60s"]].concat());
    let client = client(&node).await;
    let begin = |key: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { value(&client, key).await })
    };
    let first = begin("Tom");
    until("the locked row is asked for", async || running(&database, "LOCK IN SHARE MODE") == 1)
        .await;
    let second = begin("Jack");
    until("the second waits", async || source(&node)["waiting"] == 1).await;
    let full = (Code::ResourceExhausted, "OVERLOADED");
    refused(&client, "Sam", full, &["1 loads", "pool.queue", "\"scores\""]).await;
    let now = source(&node);
    assert_eq!(
        (&now["places"], &now["running"], &now["waiting"]),
        (&1.into(), &1.into(), &1.into())
    );
    let page = metrics(node.told("http"));
    for line in [
        "psycache_source_loads{group=\"scores\",state=\"waiting\"} 1",
        "psycache_loads_total{group=\"scores\",source=\"retriever\",outcome=\"overloaded\"} 1",
    ] {
        assert!(page.contains(line), "{line} is not in {page}");
    }
    drop(lock);
    holder.wait().unwrap();
    assert_eq!((first.await.unwrap().as_str(), second.await.unwrap().as_str()), ("630", "589"));
    assert_eq!(value(&client, "Sam").await, "567");
}

#[tokio::test]
async fn a_thousand_cold_keys_never_take_more_connections_than_the_pool_has() {
    let database = Database::start();
    let limits = ["--pool-size", "4", "--load-timeout", "60s"];
    let node = node(&database, "SELECT CONCAT(?, SLEEP(0.001))", &limits);
    let client = client(&node).await;
    let keys: Vec<String> = (0..1_000).map(|at| format!("key{at}-")).collect();
    for (key, answer) in keys.iter().zip(join_all(keys.iter().map(|key| get(&client, key))).await) {
        assert_eq!(answer.unwrap().value, format!("{key}0").as_bytes());
    }
    // The pool's four, and the one that asks.
    assert!(database.most_connections() <= 5, "{}", database.most_connections());
}
