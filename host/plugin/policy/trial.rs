//! A policy's first steps, taken aside: one that can't live through these is refused
//! before a group sees it.

use super::instance::PolicyInstance;
use crate::policy::{Attributes, Batch, Failure, Policy, PolicyConfig};

/// Entries that come in the trial.
const FEW: u32 = 8;

/// Has `policy` admit a few entries, see one used and one removed, and name somebody;
/// then tell and hand over what it has to tell. What it answers does not matter.
pub(super) fn run(policy: &mut PolicyInstance, config: &PolicyConfig) -> Result<(), Failure> {
    let mut batch = Batch::default();
    let weight = u32::try_from(config.capacity / u64::from(FEW)).unwrap_or(u32::MAX).max(1);
    for slot in 0..FEW.min(config.max_entries) {
        let attributes = Attributes { weight, cost_us: 1, ttl_ms: 0 };
        batch.admit(slot, u64::from(slot) << 20, attributes);
    }
    let mut victims = Vec::new();
    policy.step(&batch, 0, 0, &mut victims)?;
    let later = Batch { touched: vec![1], removed: vec![0], ..Batch::default() };
    victims.clear();
    policy.step(&later, weight.into(), 1, &mut victims)?;
    policy.statistics()?;
    policy.save()?;
    Ok(())
}
