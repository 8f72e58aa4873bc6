//! Status and metrics of the groups.

use std::sync::Arc;

use super::groups::Groups;
use crate::group::Group;
use crate::policy::{Failure, STEP_BOUNDS_US};
use crate::proto::{GroupStatus, PluginStatus, SourceStatus};
use crate::telemetry::{
    DurationsReading, GetResult, GroupCounts, GroupReading, LoadOutcome, LoadReading, LoadSource,
    PolicyReading, SourceEvent, SourceGauges,
};

impl Groups {
    /// The metrics of each group.
    #[must_use]
    pub fn readings(&self) -> Vec<GroupReading> {
        self.iter().map(reading).collect()
    }

    /// The status of each group for operators.
    #[must_use]
    pub fn statuses(&self) -> Vec<GroupStatus> {
        self.iter().map(status).collect()
    }
}

fn reading(group: &Arc<Group>) -> GroupReading {
    let counts = group.counters().snapshot();
    let stats = group.parts().store.stats();
    let gets = GetResult::ALL.map(|result| (result, counts.gets(result)));
    let sources = LoadSource::ALL.into_iter().zip(&counts.loads);
    let loads = sources.clone().flat_map(|(source, counted)| {
        source.outcomes().iter().map(move |outcome| LoadReading {
            source: source.label(),
            outcome: outcome.label(),
            count: counted.outcomes[*outcome as usize],
        })
    });
    let evictions = [
        ("policy", stats.evictions.policy),
        ("fallback", stats.evictions.fallback),
        ("expired", stats.evictions.expired),
        ("removed", stats.evictions.removed),
    ];
    GroupReading {
        group: group.name().to_owned(),
        gets: gets.into(),
        loads: loads.collect(),
        source_events: SourceEvent::ALL
            .into_iter()
            .zip(counts.source_events)
            .map(|(event, count)| (event.label(), count))
            .collect(),
        source: source_reading(group),
        handed_over: vec![("kept", counts.handed_over[0]), ("refused", counts.handed_over[2])],
        handed_over_bytes: counts.handed_over[1],
        evictions: evictions.into(),
        entries: stats.entries,
        bytes: stats.bytes,
        capacity_bytes: stats.capacity_bytes,
        policy: policy_reading(group),
        load_seconds: sources
            .map(|(source, counted)| (source.label(), counted.seconds.clone()))
            .collect(),
        get_seconds: GetResult::ALL.into_iter().zip(counts.get_seconds).collect(),
    }
}

fn source_reading(group: &Group) -> Option<SourceGauges> {
    let reading = group.parts().source.retriever()?.reading();
    Some(SourceGauges {
        places: reading.places,
        loads: vec![("running", reading.running), ("waiting", reading.waiting)],
        idle_instances: reading.idle_instances,
        instances: vec![
            ("started", reading.started_instances),
            ("discarded", reading.discarded_instances),
        ],
        batches: reading.batches,
        batched_keys: reading.batched_keys,
        answers: group.source_state().0 == "running",
    })
}

fn policy_reading(group: &Group) -> PolicyReading {
    let worker = group.parts().worker.status();
    // Wrong victims make evictions less precise but do not restart the policy, so the worker
    // does not count them as failures. The metric includes them.
    let lies = [("bogus-victim", worker.bogus), ("too-few-victims", worker.short)];
    PolicyReading {
        name: worker.policy,
        state: worker.state.name(),
        failures: Failure::KINDS
            .into_iter()
            // A worker that has ended counts nothing.
            .filter(|kind| *kind != Failure::Stopped.kind())
            .map(|kind| (kind, worker.failures.get(kind).copied().unwrap_or(0)))
            .chain(lies)
            .collect(),
        auto_changes: group.choice().changes(),
        step_seconds: DurationsReading {
            bounds_us: &STEP_BOUNDS_US,
            buckets: worker.step_buckets.into(),
            total: worker.step_time,
        },
        statistics: worker.statistics,
    }
}

fn status(group: &Arc<Group>) -> GroupStatus {
    let counts = group.counters().snapshot();
    let stats = group.parts().store.stats();
    let sum = |results: &[GetResult]| results.iter().map(|result| counts.gets(*result)).sum();
    GroupStatus {
        name: group.name().to_owned(),
        entries: stats.entries,
        bytes: stats.bytes,
        capacity_bytes: stats.capacity_bytes,
        max_entries: stats.max_entries.into(),
        hits: sum(&[GetResult::Hit, GetResult::Negative, GetResult::Hot]),
        misses: sum(&[GetResult::Miss, GetResult::Peer]),
        loads: LoadOutcome::ALL.iter().map(|outcome| counts.loads(*outcome)).sum(),
        evictions: stats.evictions.policy + stats.evictions.fallback,
        expirations: stats.evictions.expired,
        policy: Some(policy_status(group)),
        retriever: retriever_status(group, &counts),
        missing_on: group.missing_on(),
        policy_choice: group.choice().reason(),
        source: source_status(group),
    }
}

fn source_status(group: &Group) -> Option<SourceStatus> {
    let reading = group.parts().source.retriever()?.reading();
    Some(SourceStatus {
        places: reading.places,
        running: reading.running,
        waiting: reading.waiting,
        idle_instances: reading.idle_instances,
    })
}

fn policy_status(group: &Group) -> PluginStatus {
    let worker = group.parts().worker.status();
    PluginStatus {
        name: worker.policy,
        state: worker.state.name().into(),
        problem: worker.problem.unwrap_or_default(),
        failures: worker.failures.values().sum(),
        sha256: worker.sha256,
    }
}

fn retriever_status(group: &Group, counts: &GroupCounts) -> Option<PluginStatus> {
    let retriever = group.parts().source.retriever()?;
    let failed = LoadOutcome::ALL.into_iter().filter(|outcome| outcome.is_failure());
    let (state, problem) = group.source_state();
    Some(PluginStatus {
        name: retriever.name().into(),
        state: state.into(),
        problem,
        failures: failed.map(|outcome| counts.loads(outcome)).sum(),
        sha256: retriever.sha256().into(),
    })
}
