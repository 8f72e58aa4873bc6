//! The status of a worker, readable at any time without waiting for the worker.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::sync::Mutex;

use super::{Evicted, Failure, PolicySource};

/// Upper bounds of the buckets of [`WorkerStatus::step_buckets`], in microseconds.
/// One more bucket counts the longer steps.
pub(crate) const STEP_BOUNDS_US: [u64; 10] =
    [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144];

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// The policy chooses the victims.
    Running,
    /// The policy failed. The node evicts by recency until a new instance is made.
    Recovering,
    /// The policy failed too often. The node evicts by recency until a swap.
    Fallback,
    /// The worker has ended. Inserts evict by recency when they need room.
    Stopped,
}

impl WorkerState {
    /// The value of the `state` label in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Fallback => "fallback",
            Self::Stopped => "stopped",
        }
    }
}

/// The status of a worker at one moment. Counters run since its start, across swaps.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// The policy's name, from its source.
    pub policy: String,
    /// Digest of its component in hexadecimal; empty for native code.
    pub sha256: String,
    /// What the worker is doing.
    pub state: WorkerState,
    /// Why the policy is not running; `None` while it runs.
    pub problem: Option<String>,
    /// Failures by [`Failure::kind`].
    pub failures: BTreeMap<&'static str, u64>,
    /// Steps that succeeded.
    pub steps: u64,
    /// Entries evicted that the policy chose.
    pub victims: u64,
    /// Entries evicted by recency, by the worker or by an insert that waited too long.
    pub by_recency: u64,
    /// Victims that the policy does not know; see [`Evicted::bogus`].
    pub bogus: u64,
    /// Victims whose slot had changed since the drain; see [`Evicted::stale`].
    pub stale: u64,
    /// Steps that returned too few victims although room was needed.
    pub short: u64,
    /// Steps by duration; see [`STEP_BOUNDS_US`]. Not cumulative.
    pub step_buckets: [u64; STEP_BOUNDS_US.len() + 1],
    /// Total time spent in steps.
    pub step_time: Duration,
    /// The policy's own statistics when it was last
    /// [asked](super::Worker::statistics). A swap clears them.
    pub statistics: Vec<(String, f64)>,
}

/// The status that the worker publishes.
#[derive(Debug)]
pub(super) struct Board {
    /// Written by the worker a few times a step; readers copy it.
    status: Mutex<WorkerStatus>,
}

impl Board {
    pub(super) fn new(source: &dyn PolicySource) -> Self {
        Self {
            status: Mutex::new(WorkerStatus {
                policy: source.name().to_owned(),
                sha256: source.sha256().to_owned(),
                state: WorkerState::Running,
                problem: None,
                failures: BTreeMap::new(),
                steps: 0,
                victims: 0,
                by_recency: 0,
                bogus: 0,
                stale: 0,
                short: 0,
                step_buckets: [0; STEP_BOUNDS_US.len() + 1],
                step_time: Duration::ZERO,
                statistics: Vec::new(),
            }),
        }
    }

    pub(super) fn read(&self) -> WorkerStatus {
        self.status.lock().clone()
    }

    pub(super) fn stepped(&self, took: Duration, evicted: &Evicted, short: bool) {
        let took_us = took.as_micros() as u64;
        let bucket = STEP_BOUNDS_US.partition_point(|bound| *bound < took_us);
        let mut status = self.status.lock();
        status.steps += 1;
        status.victims += u64::from(evicted.entries);
        status.bogus += u64::from(evicted.bogus);
        status.stale += u64::from(evicted.stale);
        status.short += u64::from(short);
        status.step_buckets[bucket] += 1;
        status.step_time += took;
    }

    pub(super) fn evicted_by_recency(&self, entries: usize) {
        self.status.lock().by_recency += entries as u64;
    }

    pub(super) fn failed(&self, failure: &Failure) {
        *self.status.lock().failures.entry(failure.kind()).or_default() += 1;
    }

    pub(super) fn runs(&self, source: &dyn PolicySource) {
        self.shows(source, WorkerState::Running, None);
    }

    pub(super) fn shows(
        &self,
        source: &dyn PolicySource,
        state: WorkerState,
        problem: Option<String>,
    ) {
        let mut status = self.status.lock();
        source.name().clone_into(&mut status.policy);
        source.sha256().clone_into(&mut status.sha256);
        status.state = state;
        status.problem = problem;
        status.statistics.clear();
    }

    pub(super) fn tells(&self, statistics: Vec<(String, f64)>) {
        self.status.lock().statistics = statistics;
    }

    pub(super) fn stops(&self) {
        self.status.lock().state = WorkerState::Stopped;
    }
}
