//! A real node in front of a real Redis, by the redis retriever that ships. What the server was
//! asked, its own statistics tell.

mod answers;
mod logins;
mod many;
mod outage;
mod page;
mod server;

use std::process::Command;

use crate::harness::ServedNode;
use crate::scores::{
    BAD_VALUE, LATE, NOT_FOUND, REJECTED, UNAVAILABLE, assert_secret, client, get, refused, value,
};
use server::{PASSWORD, Server};

/// A `serve` whose group `scores` asks `server` as the user `psy`.
fn serve(server: &Server, more: &[(&str, &str)]) -> Command {
    serve_by(&format!("redis://psy@{}", server.address()), more)
}

/// The same by a DSN.
fn serve_by(dsn: &str, more: &[(&str, &str)]) -> Command {
    let mut command = crate::scores::serve("redis.wasm", &[&[("dsn", dsn)], more].concat());
    command
        .args(["--retriever-secret", "password=env:REDIS_PASSWORD"])
        .env("REDIS_PASSWORD", PASSWORD);
    command
}

/// The same with the way to the server open, and with more arguments.
fn node(server: &Server, more: &[(&str, &str)], arguments: &[&str]) -> ServedNode {
    let mut command = serve(server, more);
    command.args(["--allow-net", &server.address()]).args(arguments);
    ServedNode::spawn(command)
}
