//! The connections of clients: how many there may be, what each may take, and when one ends.
//!
//! `admission` lets a connection in, or does not. Its `account` is what it takes of the node:
//! `call` counts the bytes of a call, in its `requests` and its `answers`. `serve` runs the
//! connections of HTTP and gRPC, whose calls go through `service`.

mod limits;
mod listener;

mod account;
mod admission;

mod answers;
mod call;
mod caller;
mod large;
mod requests;
mod service;

mod serve;

pub use admission::Connections;
pub use limits::ConnectionLimits;

pub(super) use account::{Account, Held};
pub(super) use admission::{Admitted, Refused};
pub(super) use caller::Caller;
pub(super) use large::{held_request, response};
pub(super) use listener::ListenerKind;
pub(super) use serve::{HttpVersion, serve};
