//! A table that is altered, connections that end and a server that is replaced while the
//! node serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tonic::Code;

use super::{Database, SCORES, client, node, refused, serve_by, shared, value};
use crate::harness::ServedNode;

#[tokio::test]
async fn an_altered_table_never_gives_the_value_of_another_column() {
    let database = shared();
    database.sql(
        "USE school;; CREATE TABLE school.altered (name VARCHAR(64) PRIMARY KEY, score INT, age INT);;
         INSERT INTO school.altered SELECT CONCAT('key', seq), 1000 + seq, seq FROM seq_0_to_99;;",
    );
    let query = "SELECT * FROM altered WHERE name = ?";
    let node = node(database, query, &["--retriever-opt", "value-column=score"]);
    let client = client(&node).await;
    assert_eq!(value(&client, "key0").await, "1000");
    for (at, alter) in [
        "ADD COLUMN hash VARCHAR(9) DEFAULT 'wrong' AFTER name",
        "MODIFY score INT AFTER age",
        "DROP COLUMN age",
        "MODIFY score VARCHAR(20)",
        "ADD COLUMN last INT DEFAULT 7, MODIFY score INT FIRST",
        "ENGINE = MyISAM",
    ]
    .iter()
    .enumerate()
    {
        database.sql(&format!("ALTER TABLE school.altered {alter}"));
        let at = at + 1;
        assert_eq!(value(&client, &format!("key{at}")).await, format!("{}", 1000 + at), "{alter}");
    }
    database.sql("ALTER TABLE school.altered RENAME COLUMN score TO points");
    let rejected = (Code::PermissionDenied, "SOURCE_REJECTED");
    refused(&client, "key50", rejected, &["no `score`", "points, name, hash, last"]).await;
    database.sql("ALTER TABLE school.altered RENAME COLUMN points TO score");
    assert_eq!(value(&client, "key50").await, "1050");
}

#[tokio::test]
async fn two_columns_of_the_wanted_name_are_refused() {
    let query = "SELECT score, 1 AS score FROM student WHERE name = ?";
    let node = node(shared(), query, &["--retriever-opt", "value-column=score"]);
    let rejected = (Code::PermissionDenied, "SOURCE_REJECTED");
    refused(&client(&node).await, "Tom", rejected, &["more than one `score`"]).await;
}

#[tokio::test]
async fn no_statement_is_prepared_so_none_can_be_lost() {
    let database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    for key in ["Tom", "Jack", "Sam"] {
        value(&client, key).await;
    }
    let prepared = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS
        WHERE VARIABLE_NAME = 'COM_STMT_PREPARE'";
    assert_eq!(database.row(prepared), "0");
}

#[tokio::test]
async fn a_connection_that_the_server_has_ended_is_replaced_unnoticed() {
    let database = Database::start();
    let node = node(&database, SCORES, &[]);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    let ours = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'psy'";
    let before = database.row(ours);
    database.sql(&format!("KILL {before}"));
    assert_eq!(value(&client, "Jack").await, "589");
    assert_ne!(database.row(ours), before);
}

#[tokio::test]
async fn a_connection_whose_answer_is_not_understood_is_replaced_unnoticed() {
    let database = shared();
    let proxy = Proxy::start("127.0.0.1:0", &database.address()).await;
    let mut command = serve_by(&format!("mysql://psy@{}/school", proxy.address), SCORES);
    command.args(["--allow-net", &proxy.address]);
    let node = ServedNode::spawn(command);
    let client = client(&node).await;
    assert_eq!(value(&client, "Tom").await, "630");
    proxy.garbles.store(true, Ordering::SeqCst);
    assert_eq!(value(&client, "Jack").await, "589");
    assert!(!proxy.garbles.load(Ordering::SeqCst), "nothing was garbled");
}

/// A way to the server.
pub(super) struct Proxy {
    pub(super) address: String,
    /// Whether the next that comes from the server is replaced by a packet out of order.
    garbles: Arc<AtomicBool>,
    _passing: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn start(listen: &str, server: &str) -> Self {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let garbles = Arc::new(AtomicBool::new(false));
        let (garbled, server) = (Arc::clone(&garbles), server.to_owned());
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                connections.spawn(pass(client, server, Arc::clone(&garbled)));
            }
        });
        Self { address, garbles, _passing: passing }
    }
}

async fn pass(client: TcpStream, server: TcpStream, garbles: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let down = async {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = from_server.read(&mut buffer).await?;
            let passed = match garbles.swap(false, Ordering::SeqCst) {
                true => &[1, 0, 0, 77, 0],
                false => &buffer[..read],
            };
            if read == 0 {
                return std::io::Result::Ok(());
            }
            to_client.write_all(passed).await?;
        }
    };
    tokio::select! {
        _ = up => {}
        _ = down => {}
    }
}
