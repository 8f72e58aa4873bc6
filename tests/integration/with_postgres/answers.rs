//! How often the database is asked and for what, and how its errors are told.

use futures::future::join_all;
use psycache::proto::Origin;

use super::{
    Database, INVALID_KEY, NOT_FOUND, REJECTED, SCORES, UNAVAILABLE, client, get, node, refused,
    shared, value,
};

/// SQLSTATEs of what passes, and of what lasts.
const PASSING: [&str; 7] = ["40001", "40P01", "53300", "53200", "55P03", "57P03", "58030"];
const LASTING: [&str; 5] = ["P0001", "42501", "22012", "XX000", "0A000"];

#[tokio::test]
async fn what_passes_is_unavailable_and_what_lasts_is_refused() {
    let database = Database::start();
    database.sql(
        "CREATE FUNCTION fails(state TEXT) RETURNS INT LANGUAGE plpgsql AS $$ BEGIN
             IF state <> 'none' THEN
                 RAISE EXCEPTION USING ERRCODE = state, MESSAGE = E'a\\x1b[2Jb\\x07c';
             END IF;
             RETURN 1;
         END $$",
    );
    let node = node(&database, "SELECT fails($1)", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "none").await, "1");
    let passing = PASSING.iter().map(|state| (UNAVAILABLE, state));
    let lasting = LASTING.iter().map(|state| (REJECTED, state));
    for (kind, state) in passing.chain(lasting) {
        refused(&client, state, kind, &[state, "a\\u{1b}[2Jb"]).await;
        let shown = node.run(["get", "scores", state]);
        assert!(!shown.stderr.contains(&0x1b) && !shown.stderr.contains(&0x07), "{shown:?}");
    }
}

#[tokio::test]
async fn fifteen_gets_at_once_are_one_query_and_the_next_is_none() {
    let database = Database::start();
    // Slow enough that all are there before the first is answered.
    let query = "SELECT score FROM student, pg_sleep(0.3) WHERE name = $1";
    let node = node(&database, query, &["--negative-ttl", "1h"]);
    let client = client(&node).await;
    for answer in join_all((0..15).map(|_| get(&client, "Tom"))).await {
        let answer = answer.unwrap();
        assert_eq!((&*answer.value, answer.origin()), (b"630".as_slice(), Origin::Loaded));
    }
    assert_eq!(get(&client, "Tom").await.unwrap().origin(), Origin::Hit);
    for _ in 0..3 {
        refused(&client, "Nobody", NOT_FOUND, &["no such key"]).await;
    }
    assert_eq!((database.executed("Tom"), database.executed("Nobody")), (1, 1));
}

#[tokio::test]
async fn a_key_is_never_a_part_of_the_statement() {
    let node = node(shared(), SCORES, &[]);
    let client = client(&node).await;
    for key in ["' OR '1'='1", "Tom'; --", "\\' OR 1=1 #", "$1", "Ω"] {
        refused(&client, key, NOT_FOUND, &[]).await;
    }
}

#[tokio::test]
async fn a_key_that_the_column_can_not_have_is_a_bad_key() {
    shared().sql("CREATE TABLE numbered (id INT PRIMARY KEY, name TEXT); INSERT INTO numbered VALUES (1, 'one')");
    let node = node(shared(), "SELECT name FROM numbered WHERE id = $1", &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "1").await, "one");
    for (key, part) in [("1abc", "22P02"), ("99999999999", "22003")] {
        refused(&client, key, INVALID_KEY, &["bad key", part]).await;
    }
    let text = super::node(shared(), SCORES, &[]);
    refused(&crate::scores::client(&text).await, "a\0b", INVALID_KEY, &["22021"]).await;
}

#[tokio::test]
async fn nothing_is_changed_whatever_the_query_is() {
    let database = Database::start();
    database.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO psy");
    for query in [
        "DELETE FROM student WHERE name = $1 RETURNING score",
        "WITH gone AS (DELETE FROM student WHERE name = $1 RETURNING score) SELECT score FROM gone",
    ] {
        let node = node(&database, query, &[]);
        refused(&client(&node).await, "Tom", REJECTED, &["25006", "read-only"]).await;
    }
    assert_eq!(database.row("SELECT COUNT(*) FROM student"), "4");
}
