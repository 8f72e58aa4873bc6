//! A real node in front of a real MariaDB, by the mysql retriever that ships. What the
//! database was asked, its own log tells.

mod answers;
mod bounds;
mod changes;
mod compose;
mod database;
mod failures;
mod loads;
mod logins;
mod outage;
mod readme;
mod secrecy;
mod spans;
mod values;

use std::process::Command;

use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, GetResponse};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::harness::{ServedNode, psycache_command};
use database::{Database, PASSWORD, shared};

const SCORES: &str = "SELECT score FROM student WHERE name = ?";

/// A `serve` whose group `scores` asks `database` by `query`.
fn serve(database: &Database, query: &str) -> Command {
    serve_by(&format!("mysql://psy@{}/school", database.address()), query)
}

/// The same by a DSN.
fn serve_by(dsn: &str, query: &str) -> Command {
    let mut command =
        psycache_command(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command
        .args(["--group", "scores", "--policy", "lruk.wasm", "--retriever", "mysql.wasm"])
        .args(["--retriever-opt", &format!("dsn={dsn}")])
        .args(["--retriever-opt", &format!("query={query}")])
        .args(["--retriever-secret", "password=env:DB_PASSWORD"])
        .env("DB_PASSWORD", PASSWORD);
    command
}

/// The same with the way to the database open, and with more arguments.
fn node(database: &Database, query: &str, more: &[&str]) -> ServedNode {
    let mut command = serve(database, query);
    command.args(["--allow-net", &database.address()]).args(more);
    ServedNode::spawn(command)
}

async fn client(node: &ServedNode) -> CacheClient<Channel> {
    CacheClient::connect(format!("http://{}", node.address())).await.unwrap()
}

async fn get(client: &CacheClient<Channel>, key: &str) -> Result<GetResponse, Status> {
    let request =
        GetRequest { group: "scores".into(), key: key.to_owned().into(), may_lend: false };
    client.clone().get(request).await.map(Response::into_inner)
}

/// The value of `key`, as text.
async fn value(client: &CacheClient<Channel>, key: &str) -> String {
    let found = get(client, key).await.unwrap();
    String::from_utf8(found.value.into()).unwrap()
}

/// Asserts that a get of `key` is refused with that code and reason, in words with all
/// of `parts` in them.
async fn refused(
    client: &CacheClient<Channel>,
    key: &str,
    (code, reason): (Code, &str),
    parts: &[&str],
) {
    let status = get(client, key).await.expect_err("it can't be loaded");
    let details = status.get_error_details();
    let info = details.error_info().expect("every error of ours has one");
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status}");
    assert_eq!((info.domain.as_str(), info.metadata["group"].as_str()), ("psycache", "scores"));
    for part in parts {
        assert!(status.message().contains(part), "no {part:?} in {:?}", status.message());
    }
}
