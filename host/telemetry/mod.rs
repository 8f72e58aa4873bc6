//! Traces, metrics and logs; the only place that names opentelemetry.

mod counters;
mod histogram;

pub use counters::{GetResult, GroupCounters, GroupCounts, LoadOutcome, LoadTimer};
pub use histogram::Histogram;
