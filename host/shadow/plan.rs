//! Which candidates a shadow tries, and how large its sample and its caches are.

use crate::policy::{PolicyConfig, SharedPolicySource};
use crate::store::{Sample, Stats};

use super::cache::Limits;

/// Entries that the group's own capacity has in a shadow. With so many the error is a few
/// tenths of a point, and a request of a large group is rarely in the sample.
const ENTRIES: f64 = 8_192.0;

/// Most candidates times capacities.
pub(crate) const MOST_ROWS: usize = 16;

/// A policy to try.
#[derive(Clone)]
pub struct Candidate {
    /// Its name in reports and metrics.
    pub name: String,
    /// Makes its instances.
    pub source: SharedPolicySource,
    /// `name = value`, in the order given.
    pub options: Vec<(String, String)>,
}

/// What to try.
#[derive(Clone)]
pub struct Plan {
    /// The policies.
    pub candidates: Vec<Candidate>,
    /// The capacities, in multiples of that of the group.
    pub capacities: Vec<f64>,
}

/// What is wrong with a plan, by the argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PlanError {
    /// `policy` or `capacity`.
    pub argument: &'static str,
    /// What is wrong, and what would be accepted.
    pub problem: String,
}

impl Plan {
    /// Checks that names and capacities differ and that there are not too many.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn check(names: &[String], capacities: &[f64]) -> Result<(), PlanError> {
        let refuse = |argument, problem| Err(PlanError { argument, problem });
        if names.is_empty() {
            return refuse("policy", "name at least one".into());
        }
        if capacities.is_empty() {
            return refuse("capacity", "name at least one, such as 1x".into());
        }
        if let Some(bad) = capacities.iter().find(|times| !(0.01..=100.0).contains(*times)) {
            let problem = format!("{bad}x is not from 0.01x to 100x of the group's capacity");
            return refuse("capacity", problem);
        }
        if names.len() * capacities.len() > MOST_ROWS {
            let problem = format!(
                "{} policies with {} capacities are more than the {MOST_ROWS} rows that a shadow \
                 has; leave some out",
                names.len(),
                capacities.len()
            );
            return refuse("policy", problem);
        }
        if let Some(twice) = twice(names) {
            return refuse("policy", format!("{twice} is given twice; leave one of them out"));
        }
        if let Some(twice) = twice(capacities) {
            return refuse("capacity", format!("{twice}x is given twice; leave one of them out"));
        }
        Ok(())
    }

    /// The parameters that a candidate is tried with before the shadow begins.
    #[must_use]
    pub fn trial(stats: &Stats, options: &[(String, String)]) -> PolicyConfig {
        limits(stats, 1.0, sample(stats)).config(options)
    }

    /// The rows: each candidate with each capacity, and its limits.
    pub(super) fn rows(
        &self,
        stats: &Stats,
        sample: Sample,
    ) -> impl Iterator<Item = (Candidate, f64, Limits)> {
        self.candidates.iter().flat_map(move |candidate| {
            self.capacities
                .iter()
                .map(move |&times| (candidate.clone(), times, limits(stats, times, sample)))
        })
    }

    /// Entries of the largest capacity in the sample.
    pub(super) fn largest_entries(&self, stats: &Stats, sample: Sample) -> u64 {
        let largest = self.capacities.iter().copied().fold(0.0, f64::max);
        (stats.expected_entries() * largest * sample.share()).ceil() as u64
    }
}

/// The sample in which the group's capacity has about [`ENTRIES`].
pub(super) fn sample(stats: &Stats) -> Sample {
    Sample::of((ENTRIES / stats.expected_entries()).min(1.0))
}

fn limits(stats: &Stats, times: f64, sample: Sample) -> Limits {
    let share = times * sample.share();
    Limits {
        bytes: ((stats.capacity_bytes as f64 * share).round() as u64).max(1),
        entries: ((f64::from(stats.max_entries) * share).round() as u32).max(1),
    }
}

fn twice<T: PartialEq>(all: &[T]) -> Option<&T> {
    all.iter().enumerate().find(|(at, one)| all[..*at].contains(one)).map(|(_, one)| one)
}
