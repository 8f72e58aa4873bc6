//! A table that is altered, and connections that end, while the node serves.

use super::{Database, REJECTED, SCORES, client, node, refused, shared, value};

#[tokio::test]
async fn an_altered_table_never_gives_the_value_of_another_column() {
    let database = shared();
    database.sql(
        "CREATE TABLE altered (name TEXT PRIMARY KEY, score INT, age INT);
         INSERT INTO altered SELECT 'key' || i, 1000 + i, i FROM generate_series(0, 99) AS i",
    );
    let query = "SELECT * FROM altered WHERE name = $1";
    let node = node(database, query, &["--retriever-opt", "value-column=score"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "key0").await, "1000");
    for (at, alter) in [
        "ADD COLUMN hash TEXT DEFAULT 'wrong'",
        "DROP COLUMN age",
        "ALTER score TYPE TEXT",
        "ADD COLUMN last INT DEFAULT 7",
        "ALTER score TYPE BIGINT USING score::BIGINT",
        "DROP COLUMN hash, ADD COLUMN hash INT",
    ]
    .iter()
    .enumerate()
    {
        database.sql(&format!("ALTER TABLE altered {alter}"));
        let at = at + 1;
        assert_eq!(value(&client, &format!("key{at}")).await, format!("{}", 1000 + at), "{alter}");
    }
    database.sql("ALTER TABLE altered RENAME COLUMN score TO points");
    refused(&client, "key50", REJECTED, &["no `score`", "name, points, last, hash"]).await;
    database.sql("ALTER TABLE altered RENAME COLUMN points TO score");
    assert_eq!(value(&client, "key50").await, "1050");
}

#[tokio::test]
async fn of_two_columns_the_named_one_is_the_value() {
    let query = "SELECT name, score FROM student WHERE name = $1";
    let unnamed = node(shared(), query, &[]);
    let parts = ["columns name, score", "value-column"];
    refused(&client(&unnamed).await, "Jack", REJECTED, &parts).await;
    let named = node(shared(), query, &["--retriever-opt", "value-column=score"]);
    assert_eq!(value(&client(&named).await, "Jack").await, "589");
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_is_replaced_unnoticed() {
    let database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let ours = "SELECT pid FROM pg_stat_activity WHERE usename = 'psy'";
    let before = database.row(ours);
    database.sql(&format!("SELECT pg_terminate_backend({before})"));
    assert_eq!(value(&client, "Jack").await, "589");
    assert_ne!(database.row(ours), before);
}
