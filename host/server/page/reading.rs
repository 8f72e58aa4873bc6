//! What the history keeps of the groups at one moment.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::proto::GroupStatus;
use crate::server::groups::Groups;
use crate::server::samples::Sample;
use crate::server::{GroupShadow, Operations};

/// A group at one moment.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Reading {
    pub(super) group: String,
    pub(super) sample: Sample,
    pub(super) policy: Policy,
    /// Why the node chose it; empty where it does not choose.
    pub(super) why: String,
    pub(super) shadow: Option<GroupShadow>,
}

/// Which policy a group has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) sha256: String,
    /// Of the options, whose values may be whole files.
    pub(super) options: u64,
}

/// Reads all groups. They are sorted by name.
pub(in crate::server) fn read(
    operations: &dyn Operations,
    groups: &Groups,
    at_ms: u64,
) -> Vec<Reading> {
    let mut shadows = operations.shadows();
    let mut reading = |status: GroupStatus| {
        let found = shadows.iter().position(|shadow| shadow.group == status.name);
        let sample = Sample::of(&status, at_ms);
        let policy = status.policy.unwrap_or_default();
        let options = groups.find(&status.name).map_or(0, |group| {
            let mut hasher = DefaultHasher::new();
            group.parts().worker.current().1.hash(&mut hasher);
            hasher.finish()
        });
        Reading {
            sample,
            policy: Policy { name: policy.name, sha256: policy.sha256, options },
            why: status.policy_choice,
            shadow: found.map(|at| shadows.swap_remove(at)),
            group: status.name,
        }
    };
    groups.statuses().into_iter().map(&mut reading).collect()
}
