//! The counters of a group at some moments, and what happened between them: for the page of the
//! node and for `psycache top`.

use std::collections::VecDeque;

use crate::proto::GroupStatus;

/// Counters since the start of the node, and what the group holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at_ms: u64,
    pub(crate) hits: u64,
    pub(crate) gets: u64,
    pub(crate) loads: u64,
    pub(crate) evictions: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Sample {
    /// What a group said at `at_ms`.
    pub(crate) fn of(status: &GroupStatus, at_ms: u64) -> Self {
        Self {
            at_ms,
            hits: status.hits,
            gets: status.hits.saturating_add(status.misses),
            loads: status.loads,
            evictions: status.evictions,
            entries: status.entries,
            bytes: status.bytes,
        }
    }
}

/// The time between two samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) from: Sample,
    pub(crate) to: Sample,
}

impl Interval {
    /// At most `most` intervals of one length, up to the newest sample.
    pub(crate) fn between(samples: &VecDeque<Sample>, most: usize) -> Vec<Self> {
        let samples = thinned(samples, most);
        let pairs = samples.iter().zip(samples.iter().skip(1));
        pairs.map(|(from, to)| Self { from: **from, to: **to }).collect()
    }

    /// The share of the gets that were answered from memory; `None` without gets.
    pub(crate) fn hit_ratio(&self) -> Option<f64> {
        let gets = self.to.gets.saturating_sub(self.from.gets);
        let hits = self.to.hits.saturating_sub(self.from.hits);
        (gets > 0).then(|| hits as f64 / gets as f64)
    }

    /// How much a counter has grown in each second.
    pub(crate) fn rate(&self, counter: impl Fn(&Sample) -> u64) -> Option<f64> {
        let grown = counter(&self.to).saturating_sub(counter(&self.from));
        let ms = self.to.at_ms.saturating_sub(self.from.at_ms);
        (ms > 0).then(|| grown as f64 * 1_000.0 / ms as f64)
    }
}

/// At most `most + 1` of them, at equal distances from the newest.
pub(crate) fn thinned<T>(ring: &VecDeque<T>, most: usize) -> Vec<&T> {
    let each = ring.len().saturating_sub(1).div_ceil(most.max(1)).max(1);
    let mut kept: Vec<&T> = ring.iter().rev().step_by(each).collect();
    kept.reverse();
    kept
}

/// Adds one, for which the oldest leaves where there are `most`.
pub(crate) fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}
