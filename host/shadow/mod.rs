//! Candidates for the policy of a group, tried beside the live one on a sample of its keys.
//!
//! A shadow is a thread that listens to the group's store. It replays what it is told into
//! caches without values: one for each candidate and capacity. A cache is as much smaller than
//! the group as the sample is smaller than all keys, so its hit ratio is an estimate of what
//! the group would have with that policy and capacity:
//! C. Waldspurger et al., "Cache modeling and optimization using miniature simulations",
//! USENIX ATC 2017; the estimate from the misses is SHARDS-adj of "Efficient MRC construction
//! with SHARDS", FAST 2015.

mod cache;
mod estimate;

mod plan;
mod report;

mod run;
mod thread;

#[cfg(test)]
mod tests;

pub(crate) use plan::MOST_ROWS;
pub use plan::{Candidate, Plan, PlanError};
pub use report::{Measured, Report, RowReport};
pub use run::Gets;
pub use thread::Shadow;
