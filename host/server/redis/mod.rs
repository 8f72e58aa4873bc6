//! The Redis protocol, RESP2 and RESP3, in front of the groups.
//!
//! A `connection` reads requests into its `input`, where they are decoded (`request`, `line`).
//! Each is parsed to a `command`, admitted (`visitor`) and dispatched: to its group (`run`), or to
//! the state of the connection. `gets` that follow each other are read and looked up together.
//! `answers` brings the answers into the order of the requests, and `reply` encodes them.

mod listener;

mod connection;
mod connections;
mod shared;

mod input;
mod line;
mod request;

mod client;
mod command;
mod lifetime;
mod refused;

mod needs;
mod visitor;

mod dispatch;
mod gets;
mod overlap;
mod run;

mod about;
mod info;

mod answers;
mod reply;

pub use connections::RedisConnections;
pub use listener::RedisService;
