//! A table that is altered, and connections that end, while the node serves.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Database, REJECTED, SCORES, client, node, refused, serve_by, shared, value};
use crate::harness::ServedNode;

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

/// A way to the server on which `from` is said as `to`, which is as long.
async fn saying(server: String, from: &'static str, to: &'static str) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut passing = JoinSet::new();
    passing.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            connections.spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let up = async {
                    let mut buffer = vec![0; 64 << 10];
                    loop {
                        let read = from_client.read(&mut buffer).await?;
                        let mut said = buffer[..read].to_vec();
                        let found =
                            said.windows(from.len()).position(|part| part == from.as_bytes());
                        if let Some(at) = found {
                            said[at..at + from.len()].copy_from_slice(to.as_bytes());
                        }
                        to_server.write_all(&said).await?;
                        if read == 0 {
                            return std::io::Result::Ok(());
                        }
                    }
                };
                let down = tokio::io::copy(&mut from_server, &mut to_client);
                tokio::select! { _ = up => {}, _ = down => {} }
            });
        }
    });
    (address, passing)
}

#[tokio::test]
async fn a_server_that_refuses_a_setting_that_is_only_wished_for_is_asked_all_the_same() {
    for (from, to) in [
        // As where the system can't tell that a connection is gone.
        (
            "'client_connection_check_interval', '1000'",
            "'client_connection_check_interval', 'none'",
        ),
        // As a server of another kind, which has no such setting.
        ("'client_connection_check_interval'", "'client.connection-check_interval'"),
    ] {
        let (place, _passing) = saying(shared().address(), from, to).await;
        let dsn = format!("postgres://psy@{place}/school");
        let mut command = serve_by(&dsn, SCORES, &[("tls", "false")]);
        command.args(["--allow-net", &place]);
        let node = ServedNode::spawn(command);
        let client = client(&node).await;
        for (key, score) in [("Tom", "630"), ("Jack", "589")] {
            assert_eq!(value(&client, key).await, score);
        }
    }
}
