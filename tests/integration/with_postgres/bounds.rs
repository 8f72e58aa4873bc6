//! What loads cost the database: connections, and queries that nobody waits for.

use std::time::Duration;

use futures::future::join_all;
use psycache::proto::GetRequest;
use tonic::{Code, Request};

use super::{Database, LATE, UNAVAILABLE, client, get, node, refused, value};
use crate::patience::until;

/// How many statements with `part` in them the server runs at present.
fn running(database: &Database, part: &str) -> usize {
    let running = format!(
        "SELECT COUNT(*) FROM pg_stat_activity
         WHERE usename = 'psy' AND state = 'active' AND query LIKE '%{part}%'"
    );
    database.row(&running).parse().unwrap()
}

#[tokio::test]
async fn callers_that_give_up_on_a_locked_table_are_one_query_and_harm_nobody_after() {
    let database = Database::start();
    let lock = "BEGIN; LOCK TABLE student IN ACCESS EXCLUSIVE MODE";
    let (mut holder, lock) = database.session(lock);
    let node = node(&database, super::SCORES, &["--load-timeout", "30s"]);
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
    }
    until("the one query waits", async || running(&database, "student") == 1).await;
    drop(lock);
    holder.wait().unwrap();
    assert_eq!(value(&client, "Tom").await, "630");
    assert_eq!(database.executed("Tom"), 1);
}

#[tokio::test]
async fn the_server_ends_a_query_that_its_load_does_not_wait_for_any_more() {
    let database = Database::start();
    let query = "SELECT length($1) FROM pg_sleep(3600)";
    let node = node(&database, query, &["--load-timeout", "500ms"]);
    let client = client(&node).await;
    for key in ["a", "b"] {
        refused(&client, key, LATE, &["500 ms"]).await;
    }
    until("the server ends it", async || running(&database, "pg_sleep") == 0).await;
}

#[tokio::test]
async fn a_limit_of_the_servers_own_stays_and_is_told_in_its_words() {
    let database = Database::start();
    database.sql("ALTER ROLE psy SET statement_timeout = 100");
    let query = "SELECT length($1) FROM pg_sleep(3600)";
    let node = node(&database, query, &["--load-timeout", "20s"]);
    refused(&client(&node).await, "Tom", UNAVAILABLE, &["57014", "statement timeout"]).await;
}

#[tokio::test]
async fn a_thousand_cold_keys_never_take_more_connections_than_the_pool_has() {
    let database = Database::start();
    // Another connection would be refused.
    database.sql("ALTER ROLE psy CONNECTION LIMIT 4");
    let limits = ["--pool-size", "4", "--load-timeout", "60s"];
    let node = node(&database, "SELECT $1 || '!'", &limits);
    let client = client(&node).await;
    let keys: Vec<String> = (0..1_000).map(|at| format!("key{at}")).collect();
    for (key, answer) in keys.iter().zip(join_all(keys.iter().map(|key| get(&client, key))).await) {
        assert_eq!(answer.unwrap().value, format!("{key}!").as_bytes());
    }
}
