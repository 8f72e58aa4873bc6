//! What a shadow says of its candidates.

use std::time::Duration;

/// A shadow at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Time since its start.
    pub age: Duration,
    /// When it ends by itself; `None` if it is kept.
    pub ends_in: Option<Duration>,
    /// The share of all keys that it replays; 0 before the group has entries enough to choose
    /// it.
    pub share: f64,
    /// Sampled gets since its start.
    pub gets: u64,
    /// Sampled gets before it says anything: ten capacities of the largest row.
    pub wanted_gets: u64,
    /// Accesses that it had no time for.
    pub lost: u64,
    /// Accesses that it has not replayed yet.
    pub waiting: u64,
    /// Gets of the group since the caches were warm, from whomever.
    pub requests: u64,
    /// The hit ratio of the group in these, once there was a request.
    pub live_hit_ratio: Option<f64>,
    /// The candidates with their capacities.
    pub rows: Vec<RowReport>,
}

/// A candidate with a capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct RowReport {
    /// Name of the policy.
    pub policy: String,
    /// Multiple of the group's capacity.
    pub times: f64,
    /// That capacity in bytes.
    pub capacity_bytes: u64,
    /// What was measured; `None`: not enough yet, or it failed before.
    pub measured: Option<Measured>,
    /// Why it does not run any more.
    pub problem: Option<String>,
}

/// What a row would do for the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Its hit ratio, from 0 to 1.
    pub hit_ratio: f64,
    /// In 19 of 20 samples the ratio is not further off than this.
    pub error: f64,
    /// Loads a second that the group would have less; negative if more.
    pub loads_saved_per_second: f64,
}
