//! What a simulation found.

use serde::{Serialize, Serializer};

use crate::cli::sim::capacity::Unit;
use crate::cli::sim::simulation::Replayed;
use crate::cli::sim::timeline::Timeline;
use crate::cli::sim::trace::Tells;

/// What one trace showed.
#[derive(Debug, Serialize)]
pub(in crate::cli::sim) struct Report {
    pub(in crate::cli::sim) trace: String,
    pub(in crate::cli::sim) requests: u64,
    /// Distinct keys, of the sample.
    pub(in crate::cli::sim) unique: u64,
    #[serde(skip)]
    pub(in crate::cli::sim) tells: Tells,
    #[serde(serialize_with = "unit_name")]
    pub(in crate::cli::sim) unit: Unit,
    pub(in crate::cli::sim) rows: Vec<Row>,
}

/// One policy at one capacity.
#[derive(Debug, Serialize)]
pub(in crate::cli::sim) struct Row {
    pub(in crate::cli::sim) policy: String,
    /// It is the bound of all policies, which knows nothing of sizes.
    #[serde(skip)]
    pub(in crate::cli::sim) is_bound: bool,
    pub(in crate::cli::sim) capacity: u64,
    /// Of the gets that count.
    pub(in crate::cli::sim) hit_ratio: f64,
    /// Of the bytes that they asked for. None: the trace does not tell sizes.
    pub(in crate::cli::sim) byte_hit_ratio: Option<f64>,
    /// Of the time that loading all of them takes. None: the trace does not tell it.
    pub(in crate::cli::sim) load_time_ratio: Option<f64>,
    /// The bound's hit ratio less this one. None: the bound was not asked for.
    pub(in crate::cli::sim) gap_to_opt: Option<f64>,
    /// The hit ratio over the requests.
    #[serde(skip)]
    pub(in crate::cli::sim) timeline: Timeline,
}

impl Row {
    pub(in crate::cli::sim) fn new(
        policy: String,
        is_bound: bool,
        capacity: u64,
        replayed: Replayed,
        tells: Tells,
    ) -> Self {
        let Replayed { ratios, timeline } = replayed;
        Self {
            policy,
            is_bound,
            capacity,
            hit_ratio: ratios.hits,
            byte_hit_ratio: (tells.sizes && !is_bound).then_some(ratios.bytes),
            load_time_ratio: (tells.load_times && !is_bound).then_some(ratios.load_time),
            gap_to_opt: None,
            timeline,
        }
    }
}

fn unit_name<S: Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match unit {
        Unit::Entries => "entries",
        Unit::Bytes => "bytes",
    })
}

impl Report {
    /// Compares each row with the bound of the same capacity.
    pub(in crate::cli::sim) fn compare(&mut self) {
        let bounds: Vec<(u64, f64)> = self
            .rows
            .iter()
            .filter(|row| row.is_bound)
            .map(|row| (row.capacity, row.hit_ratio))
            .collect();
        for row in &mut self.rows {
            let bound = bounds.iter().find(|(capacity, _)| *capacity == row.capacity);
            row.gap_to_opt = bound.map(|(_, bound)| bound - row.hit_ratio);
        }
    }

    /// Whether a policy is the bound.
    pub(super) fn is_bound(&self, policy: &str) -> bool {
        self.rows.iter().any(|row| row.is_bound && row.policy == policy)
    }

    /// The capacity whose hit ratio is shown over time: one picture is enough to see where the
    /// requests change, and the middle one is neither empty nor holds everything.
    pub(super) fn middle_capacity(&self) -> Option<u64> {
        let mut capacities: Vec<u64> = self.rows.iter().map(|row| row.capacity).collect();
        capacities.sort_unstable();
        capacities.dedup();
        capacities.get(capacities.len() / 2).copied()
    }

    /// The rows of a capacity.
    pub(super) fn rows_of(&self, capacity: u64) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.capacity == capacity)
    }

    /// The policies in the order in which they were asked for.
    pub(super) fn policies(&self) -> Vec<&str> {
        let mut policies: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !policies.contains(&&*row.policy) {
                policies.push(&row.policy);
            }
        }
        policies
    }
}
