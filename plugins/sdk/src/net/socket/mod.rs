//! TCP sockets that wait only where they are told to, and until a deadline at most.
//!
//! Each system has the same two types. An [`Attempt`] becomes a [`Socket`] when it is connected.
//! Sending and receiving give [`WouldBlock`](std::io::ErrorKind::WouldBlock) where there is
//! nothing to be done at once.
//!
//! A component talks to WASI itself. An asynchronous runtime between them asks WASI three times
//! as often, and that is most of what a load would cost.

#[cfg(not(any(unix, target_os = "wasi")))]
compile_error!("the feature `net` is for wasm32-wasip2, and for Unix in tests");

#[cfg(unix)]
mod native;
#[cfg(target_os = "wasi")]
mod timer;
#[cfg(target_os = "wasi")]
mod wasi;

#[cfg(unix)]
pub(super) use native::{Attempt, Socket};
#[cfg(target_os = "wasi")]
pub(super) use wasi::{Attempt, Socket};
