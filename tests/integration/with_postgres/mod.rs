//! A real node in front of a real PostgreSQL, by the postgres retriever that ships. What the
//! database was asked, its own log tells.

mod answers;
mod bouncer;
mod bounds;
mod changes;
mod database;
mod failures;
mod logins;
mod many;
mod outage;
mod page;
mod values;

use std::process::Command;

use crate::harness::ServedNode;
use crate::scores::{
    BAD_VALUE, INVALID_KEY, LATE, NOT_FOUND, REJECTED, UNAVAILABLE, assert_secret, client, get,
    refused, value,
};
use database::{Database, PASSWORD, shared};

const SCORES: &str = "SELECT score FROM student WHERE name = $1";

/// A `serve` whose group `scores` asks `database` by `query`.
fn serve(database: &Database, query: &str) -> Command {
    serve_by(&database.dsn("psy"), query, &[("tls", "false")])
}

/// The same by a DSN and with more options.
fn serve_by(dsn: &str, query: &str, more: &[(&str, &str)]) -> Command {
    let options = [&[("dsn", dsn), ("query", query)], more].concat();
    let mut command = crate::scores::serve("postgres.wasm", &options);
    command.args(["--retriever-secret", "password=env:DB_PASSWORD"]).env("DB_PASSWORD", PASSWORD);
    command
}

/// The same with the way to the database open, and with more arguments.
fn node(database: &Database, query: &str, more: &[&str]) -> ServedNode {
    let mut command = serve(database, query);
    command.args(["--allow-net", &database.address()]).args(more);
    ServedNode::spawn(command)
}
