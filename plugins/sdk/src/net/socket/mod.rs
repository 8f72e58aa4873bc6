//! TCP sockets that wait only where they are told to, and until a deadline at most.
//!
//! Each system has the same two types. An [`Attempt`] becomes a [`Socket`] when it is connected.
//! Sending and receiving give [`WouldBlock`](std::io::ErrorKind::WouldBlock) where there is
//! nothing to be done at once.
//!
//! A component talks to WASI itself. An asynchronous runtime between them asks WASI three times
//! as often, and that is most of what a load would cost.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod timer;
#[cfg(target_family = "wasm")]
mod wasi;

#[cfg(not(target_family = "wasm"))]
pub(super) use native::{Attempt, Socket};
#[cfg(target_family = "wasm")]
pub(super) use wasi::{Attempt, Socket};
