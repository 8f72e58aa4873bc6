//! Many keys by one query.

use super::{Database, PASSWORD, node};
use crate::cold_keys::{self, MOST_QUERIES, POOL, POOL_SIZE, PRESENT, Way};
use crate::scores::run_server_tests;

#[test]
fn many_keys_by_one_query_give_what_each_gives_by_itself() {
    let database = Database::start();
    database.sql(
        "CREATE COLLATION nobody_minds (provider = icu, locale = 'und-u-ks-level2',
             deterministic = false);
         CREATE TABLE compared (id BIGINT, score NUMERIC, day DATE, word TEXT,
             ci TEXT COLLATE nobody_minds, padded CHAR(9));
         INSERT INTO compared VALUES (1, 1.50, '2024-02-03', 'Tom', 'Tom', 'Tom'),
             (9007199254740993, 2, '2024-02-04', 'Zoë', 'Zoë', 'Zoë'),
             (NULL, NULL, NULL, NULL, NULL, NULL);
         CREATE TABLE several (name TEXT, score INT, at INT);
         INSERT INTO several VALUES ('a', 1, 3), ('a', 2, 1), ('b', 3, 9), ('a', 4, 2)",
    );
    run_server_tests("psycache-retriever-postgres", &database.address(), PASSWORD);
    assert_eq!(database.executed(r#"{Sam,"only here",Tom,"a\"b\\c''{,}"}"#), 1);
    assert_eq!(database.executed("only here"), 0);
    assert_eq!(database.executed(r#"{Tom,"Nobody at all",tom,Sam}"#), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_keys_that_are_asked_for_at_once_are_few_queries_on_the_pools_connections() {
    let database = Database::start();
    // Another connection would be refused, and its load would fail.
    database.sql(&format!(
        "CREATE TABLE numbered (name TEXT PRIMARY KEY, number INT);
         ALTER ROLE psy CONNECTION LIMIT {POOL}"
    ));
    let query = "SELECT number FROM numbered WHERE name = $1";
    let node = node(&database, query, &[&POOL_SIZE[..], &["--load-timeout", "60s"]].concat());
    for way in Way::ALL {
        database.sql(&format!(
            "INSERT INTO numbered SELECT '{way:?}' || i, i FROM generate_series(0, {}) AS i",
            PRESENT - 1
        ));
        let lock = "BEGIN; LOCK TABLE numbered IN ACCESS EXCLUSIVE MODE";
        let (mut holder, lock) = database.session(lock);
        cold_keys::ask(&node, way, || drop(lock)).await;
        holder.wait().unwrap();
        let queries = database.executed_with(&format!("{way:?}"));
        assert!((1..=MOST_QUERIES).contains(&queries), "{way:?}: {queries} queries");
    }
}
