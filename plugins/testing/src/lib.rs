//! What the policies' tests share: generated request streams, a simulator that drives
//! a policy one request at a time, and a count of the bytes it takes.

mod heap;
mod simulator;
pub mod streams;

pub use heap::{bytes_per_entry, bytes_with_distinct_counts};
pub use simulator::{Model, Request, Simulator, agree};
