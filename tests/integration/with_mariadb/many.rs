//! Many keys by one query, and keys that have to be numbers.

use super::{Database, PASSWORD, SCORES, client, node, refused, shared, value};
use crate::cold_keys::{self, MOST_QUERIES, POOL, POOL_SIZE, PRESENT, Way};
use crate::scores::{INVALID_KEY, run_server_tests};

#[test]
fn many_keys_by_one_query_give_what_each_gives_by_itself() {
    let database = Database::start();
    for (table, collation) in [
        ("general", "utf8mb4_general_ci"),
        ("unicode", "utf8mb4_unicode_ci"),
        ("bytes", "utf8mb4_bin"),
        ("unpadded", "utf8mb4_nopad_bin"),
    ] {
        database.sql(&format!(
            "SET NAMES utf8mb4;;
             CREATE TABLE school.{table} (name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE {collation},
                 score INT);;
             INSERT INTO school.{table} VALUES ('Tom', 1), ('ZOE', 2), ('Straße', 3), ('x', 4),
                 ('\\\\', 5), ('\\'', 6), ('a\\nb', 7), ('☃', 8), ('*/', 9), (NULL, 10);;"
        ));
    }
    database.sql(
        "CREATE TABLE school.several (name VARCHAR(9), score INT, at INT);;
         INSERT INTO school.several VALUES ('a', 1, 3), ('a', 2, 1), ('b', 3, 9), ('a', 4, 2),
             ('B', 5, 1);;
         CREATE TABLE school.large (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(9));;
         INSERT INTO school.large VALUES (9007199254740992, 'even'), (9007199254740993, 'odd'),
             (18446744073709551615, 'most');;",
    );
    run_server_tests("psycache-retriever-mysql", &database.address(), PASSWORD);
    let asked = "SELECT score , CONCAT(name = 'Sam', name = 'Nobody', name = 'Tom', name = 'O''Brien') \
                 AS psycache_keys FROM student WHERE name IN ('Sam', 'Nobody', 'Tom', 'O''Brien')";
    assert_eq!(database.executed(asked), 1);
    for alone in ["Sam", "Nobody"] {
        assert_eq!(database.executed(&SCORES.replace('?', &format!("'{alone}'"))), 0);
    }
    // A number is printed in one way, so one that is not there is not asked for by itself: only
    // the comparison with single gets did that, as a text and as a number.
    let absent = "SELECT name FROM large WHERE id = 9007199254740994";
    assert_eq!(database.executed(absent), 1);
}

#[tokio::test]
async fn a_key_that_only_begins_like_a_number_finds_no_row() {
    let query = "SELECT name FROM student WHERE score = ?";
    let text = node(shared(), query, &[]);
    assert_eq!(value(&client(&text).await, "630abc").await, "Tom", "as the server compares");
    let integer = node(shared(), query, &["--retriever-opt", "key-type=integer"]);
    let client = client(&integer).await;
    assert_eq!(value(&client, "630").await, "Tom");
    for key in ["630abc", "0630", "630 ", "6.3e2", "abc"] {
        refused(&client, key, INVALID_KEY, &["no integer"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cold_keys_that_are_asked_for_at_once_are_few_queries_on_the_pools_connections() {
    let database = Database::start();
    database.sql(
        "CREATE TABLE school.numbered (name VARCHAR(20) PRIMARY KEY, number INT) ENGINE = InnoDB",
    );
    let query = "SELECT number FROM numbered WHERE name = ?";
    let node = node(&database, query, &[&POOL_SIZE[..], &["--load-timeout", "60s"]].concat());
    for way in Way::ALL {
        database.sql(&format!(
            "INSERT INTO school.numbered SELECT CONCAT('{way:?}', seq), seq
             FROM school.seq_0_to_{}",
            PRESENT - 1
        ));
        let (mut holder, lock) = database.session("LOCK TABLES school.numbered WRITE");
        cold_keys::ask(&node, way, || drop(lock)).await;
        holder.wait().unwrap();
        let queries = database.executed_with(&["FROM numbered WHERE name", &format!("'{way:?}")]);
        assert!((1..=MOST_QUERIES).contains(&queries), "{way:?}: {queries} queries");
    }
    // The one that has the lock and the one that asks come to the pool's.
    assert!(database.most_connections() <= POOL + 2, "{}", database.most_connections());
}
