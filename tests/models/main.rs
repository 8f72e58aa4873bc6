//! Every interleaving that matters, of code that is too concurrent for tests
//! that merely run it. A file under check is included by its path; the `sync`
//! here stands in the place of the crate's own.

#![cfg(test)]
#![allow(dead_code, unreachable_pub, reason = "the files under check are used in part")]

mod sync;

#[path = "../../host/group/singleflight.rs"]
mod flights;
#[path = "../../host/policy/waker.rs"]
mod waker;

mod singleflight;
mod wake_is_never_lost;
