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
mod many;
mod outage;
mod readme;
mod scripted;
mod secrecy;
mod secure;
mod spans;
mod values;

use std::process::Command;

use crate::harness::ServedNode;
use crate::scores::{self, assert_secret, client, get, refused, value};
use database::{Database, PASSWORD, shared};

const SCORES: &str = "SELECT score FROM student WHERE name = ?";

/// A `serve` whose group `scores` asks `database` by `query`.
fn serve(database: &Database, query: &str) -> Command {
    serve_by(&format!("mysql://psy@{}/school", database.address()), query)
}

/// The same by a DSN.
fn serve_by(dsn: &str, query: &str) -> Command {
    let mut command = scores::serve("mysql.wasm", &[("dsn", dsn), ("query", query)]);
    command.args(["--retriever-secret", "password=env:DB_PASSWORD"]).env("DB_PASSWORD", PASSWORD);
    command
}

/// The same with the way to the database open, and with more arguments.
fn node(database: &Database, query: &str, more: &[&str]) -> ServedNode {
    let mut command = serve(database, query);
    command.args(["--allow-net", &database.address()]).args(more);
    ServedNode::spawn(command)
}
