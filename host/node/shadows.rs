//! The shadows of a node: at most one a group that an operator started.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plugins::Plugins;
use crate::config::text::PolicyText;
use crate::error::Error;
use crate::group::Group;
use crate::server::{GroupShadow, Groups, PolicySwap, ShadowStart};
use crate::shadow::{Candidate, Gets, Plan, PlanError, Report, RowReport, Shadow};
use crate::sync::Mutex;
use crate::telemetry::{ShadowReading, ShadowRowReading};

/// The shadows that run, by the name of their group.
#[derive(Debug, Default)]
pub(super) struct Shadows(Mutex<BTreeMap<String, Shadow>>);

impl Shadows {
    /// Starts a shadow in place of the one that the group has.
    pub(super) async fn start(
        &self,
        plugins: &Plugins,
        groups: &Groups,
        start: ShadowStart,
    ) -> Result<(), Error> {
        let group = groups.find(&start.group)?;
        let names: Vec<String> = start.policies.iter().map(name).collect();
        Plan::check(&names, &start.capacities).map_err(refused)?;
        let mut candidates = Vec::with_capacity(names.len());
        for (name, policy) in names.into_iter().zip(start.policies) {
            let trial = Plan::trial(&group.parts().store.stats(), &policy.options);
            // Whatever it is pinned to, the group keeps its policy.
            let source = plugins.sent_policy(&policy, &[], trial).await?;
            candidates.push(Candidate { name, source, options: policy.options });
        }
        let plan = Plan { candidates, capacities: start.capacities };
        let (store, clock) = (&group.parts().store, group.parts().clock.clone());
        let shadow = Shadow::start(group.name(), plan, store, clock, gets(group), start.keep);
        let shadow = shadow
            .map_err(|error| Error::Internal(format!("no thread for the shadow: {error}")))?;
        self.0.lock().insert(start.group, shadow);
        Ok(())
    }

    /// Ends the shadow of a group. Returns whether there was one.
    pub(super) fn stop(&self, group: &str) -> bool {
        self.0.lock().remove(group).is_some_and(|shadow| !shadow.is_over())
    }

    /// The reports of the shadows that run, by the name of their group.
    fn reports(&self) -> Vec<(String, Report)> {
        let mut shadows = self.0.lock();
        shadows.retain(|_, shadow| !shadow.is_over());
        shadows.iter().map(|(group, shadow)| (group.clone(), shadow.report())).collect()
    }

    /// The same with the group's policies.
    pub(super) fn list(&self, groups: &Groups) -> Vec<GroupShadow> {
        let with_policy = |(name, report): (String, Report)| {
            let group = groups.find(&name).ok()?;
            let live_policy = group.parts().worker.status().policy;
            Some(GroupShadow { group: name, live_policy, report })
        };
        self.reports().into_iter().filter_map(with_policy).collect()
    }

    /// Their metrics.
    pub(super) fn readings(&self) -> Vec<ShadowReading> {
        self.reports().into_iter().map(reading).collect()
    }

    /// Ends all.
    pub(super) fn stop_all(&self) {
        self.0.lock().clear();
    }
}

/// Reads the gets of a group, as long as it is there.
pub(super) fn gets(group: &Arc<Group>) -> Gets {
    let group = Arc::downgrade(group);
    Box::new(move || group.upgrade().map_or([0; 2], |group| group.counters().snapshot().lookups))
}

fn reading((group, report): (String, Report)) -> ShadowReading {
    let measured = |row: RowReport| {
        let measured = row.measured?;
        Some(ShadowRowReading {
            policy: row.policy,
            capacity: format!("{}x", row.times),
            hit_ratio: measured.hit_ratio,
            error: measured.error,
            loads_saved_per_second: measured.loads_saved_per_second,
        })
    };
    ShadowReading {
        group,
        live_hit_ratio: report.live_hit_ratio,
        rows: report.rows.into_iter().filter_map(measured).collect(),
        lost: report.lost,
    }
}

/// The name with the options: `lruk?k=3&history=2`.
pub(super) fn name(policy: &PolicySwap) -> String {
    PolicyText { name: policy.name.clone(), options: policy.options.clone() }.to_string()
}

fn refused(error: PlanError) -> Error {
    Error::InvalidArgument { argument: error.argument, problem: error.problem }
}
