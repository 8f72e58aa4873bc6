//! The last hour of each group: a sample every ten seconds, and the changes of its policy.
//!
//! A sample reads counters that the group has anyway, so a hit costs nothing more. A group's
//! history has at most 361 samples of 56 bytes, as many of its shadow with 4 bytes for each of
//! at most 16 rows, and 16 changes: with what the rings keep free, at most 80 KiB.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use super::reading::{Policy, Reading};
use crate::clock::Clock;
use crate::server::GroupShadow;
use crate::server::samples::{Interval, Sample, push, thinned};
use crate::sync::Mutex;

const EVERY: Duration = Duration::from_secs(10);

/// The samples of an hour, with both ends.
const SAMPLES: usize = 361;

/// Most changes of the policy that are kept.
const CHANGES: usize = 16;

/// The time before and after a change in which the hit ratio is compared.
const COMPARED_MS: u64 = 300_000;

/// The history of the groups of a node.
#[derive(Debug)]
pub(in crate::server) struct History {
    clock: Clock,
    /// By the name of the group. Locked to copy it or to add a sample.
    groups: Mutex<BTreeMap<String, Recent>>,
}

/// The last hour of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    samples: VecDeque<Sample>,
    policy: Option<Policy>,
    changes: VecDeque<Change>,
    shadow: ShadowHistory,
}

/// A change of the policy. It happened at most ten seconds before.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) at_ms: u64,
    pub(super) from: String,
    pub(super) to: String,
    /// Why the node made it; empty for one of an operator.
    pub(super) why: String,
}

/// The hit ratios that a shadow told, from its start.
#[derive(Clone, Debug, Default)]
struct ShadowHistory {
    /// Policies and multiples of the capacity, in the order of the ratios.
    rows: Vec<(String, f64)>,
    told: VecDeque<Told>,
}

/// What a shadow told at one moment. A ratio that was not known is NaN.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at_ms: u64,
    pub(super) live: f32,
    pub(super) rows: Vec<f32>,
}

impl History {
    pub(in crate::server) fn new(clock: Clock) -> Self {
        Self { clock, groups: Mutex::default() }
    }

    pub(in crate::server) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Adds a sample every ten seconds.
    pub(in crate::server) async fn follow(&self, read: impl Fn(u64) -> Vec<Reading>) -> Infallible {
        loop {
            self.take(&read(self.now_ms()));
            self.clock.sleep(EVERY).await;
        }
    }

    pub(super) fn take(&self, readings: &[Reading]) {
        let mut groups = self.groups.lock();
        for reading in readings {
            groups.entry(reading.group.clone()).or_default().take(reading);
        }
    }

    /// The history of a group up to `reading`, which is not kept.
    pub(super) fn up_to(&self, reading: &Reading) -> Recent {
        let mut recent = self.groups.lock().get(&reading.group).cloned().unwrap_or_default();
        // Rates over a short time say little.
        let newest = recent.samples.back().map_or(0, |sample| sample.at_ms);
        let is_short = reading.sample.at_ms.saturating_sub(newest) < EVERY.as_millis() as u64 / 2;
        if recent.samples.len() > 1 && is_short {
            recent.samples.pop_back();
        }
        recent.take(reading);
        recent
    }
}

impl Recent {
    fn take(&mut self, reading: &Reading) {
        let at_ms = reading.sample.at_ms;
        push(&mut self.samples, reading.sample, SAMPLES);
        if let Some(before) = self.policy.replace(reading.policy.clone())
            && before != reading.policy
        {
            let (from, to) = (before.name, reading.policy.name.clone());
            let why = reading.why.clone();
            push(&mut self.changes, Change { at_ms, from, to, why }, CHANGES);
        }
        let oldest_ms = self.samples.front().map_or(0, |sample| sample.at_ms);
        self.changes.retain(|change| change.at_ms >= oldest_ms);
        self.shadow.take(at_ms, reading.shadow.as_ref());
    }

    /// When its first sample was taken, and its last.
    pub(super) fn span_ms(&self) -> [u64; 2] {
        let at = |sample: Option<&Sample>| sample.map_or(0, |sample| sample.at_ms);
        [at(self.samples.front()), at(self.samples.back())]
    }

    /// At most `most` intervals of one length, up to the newest sample.
    pub(super) fn intervals(&self, most: usize) -> Vec<Interval> {
        Interval::between(&self.samples, most)
    }

    /// The time since the last sample but one.
    pub(super) fn last_interval(&self) -> Option<Interval> {
        let mut newest = self.samples.iter().rev();
        let (to, from) = (*newest.next()?, *newest.next()?);
        Some(Interval { from, to })
    }

    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// What the shadow told, at most `most + 1` times.
    pub(super) fn shadow(&self, most: usize) -> Vec<&Told> {
        thinned(&self.shadow.told, most)
    }

    /// The hit ratios in the five minutes before and after a change, or as far as the next one.
    pub(super) fn effect(&self, change: &Change) -> [Option<f64>; 2] {
        let at_ms = change.at_ms;
        let earlier = self.changes.iter().map(|other| other.at_ms).filter(|other| *other < at_ms);
        let later = self.changes.iter().map(|other| other.at_ms).find(|other| *other > at_ms);
        let from_ms = at_ms.saturating_sub(COMPARED_MS).max(earlier.max().unwrap_or(0));
        let until_ms = (at_ms + COMPARED_MS).min(later.unwrap_or(u64::MAX));
        [self.hit_ratio(from_ms, at_ms), self.hit_ratio(at_ms, until_ms)]
    }

    fn hit_ratio(&self, from_ms: u64, until_ms: u64) -> Option<f64> {
        let mut within =
            self.samples.iter().filter(|sample| (from_ms..=until_ms).contains(&sample.at_ms));
        let from = *within.next()?;
        let to = *within.next_back()?;
        Interval { from, to }.hit_ratio()
    }
}

impl ShadowHistory {
    fn take(&mut self, at_ms: u64, shadow: Option<&GroupShadow>) {
        let Some(shadow) = shadow else { return *self = Self::default() };
        let report = &shadow.report;
        let rows = report.rows.iter().map(|row| (row.policy.clone(), row.times)).collect();
        if self.rows != rows {
            *self = Self { rows, told: VecDeque::new() };
        }
        let ratio = |ratio: Option<f64>| ratio.map_or(f32::NAN, |ratio| ratio as f32);
        let measured = |row: &crate::shadow::RowReport| row.measured.map(|row| row.hit_ratio);
        let told = Told {
            at_ms,
            live: ratio(report.live_hit_ratio),
            rows: report.rows.iter().map(|row| ratio(measured(row))).collect(),
        };
        push(&mut self.told, told, SAMPLES);
    }
}
