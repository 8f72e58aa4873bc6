//! What strangers may hand to a node, a target each: a function from any bytes
//! to a panic, or better none.
//!
//! libFuzzer thinks the bytes up in `cargo xtask fuzz`; the integration tests run
//! the same functions over the corpus and over random variations of it.

pub mod answers;
pub mod components;
pub mod config;
pub mod redis;
pub mod requests;
pub mod traces;

/// A target with its name, which is that of its folder in `corpus/`.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("answers", answers::run),
    ("components", components::run),
    ("config", config::run),
    ("redis", redis::run),
    ("requests", requests::run),
    ("traces", traces::run),
];
