//! Trial steps of a policy. A policy that fails in them is refused before a group uses it.

use super::instance::PolicyInstance;
use crate::policy::{Attributes, Batch, Failure, Policy, PolicyConfig};

/// The number of entries in the trial.
const FEW: u32 = 8;

/// Has `policy` admit a few entries, handle one access and one removal, and name a victim.
/// Then reads its statistics and saves its state. The answers are not checked.
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
