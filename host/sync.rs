//! The locks and atomics of code that a model checks: a model includes a file by
//! its path and puts its own `sync` in the place of this one.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic;
pub(crate) use std::thread;
