//! The memory of a component, which the allocator of this process does not count.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use psycache::policy::{Attributes, Batch, Keys};

use crate::caches::{Kind, Parts, policy_config};

/// Pages that an instance of the component `name` brought in for each of `entries`
/// entries: by how much this process grew. Needs `/proc`.
pub(crate) fn bytes_per_entry(parts: &Parts, name: &'static str, entries: u32) -> Result<f64> {
    let config = policy_config(u64::from(entries) * 400, entries);
    let mut policy = parts.source(Kind::Component(name))?.instantiate(&config, Arc::new(NoKeys))?;
    let mut batch = Batch::default();
    let mut victims = Vec::new();
    policy.step(&batch, 0, 1, &mut victims)?;
    let before = resident_bytes()?;
    for slot in 0..entries {
        batch.admit(slot, slot.into(), Attributes::new(1));
        if batch.admitted.len() == 256 {
            policy.step(&batch, 0, 1, &mut victims)?;
            batch.clear();
        }
    }
    policy.step(&batch, 0, 1, &mut victims)?;
    Ok((resident_bytes()? - before) / f64::from(entries))
}

fn resident_bytes() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("memory is read from /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("VmRSS is told")?;
    Ok(kib.trim().parse::<f64>()? * 1024.0)
}

/// Knows no entry.
pub(crate) struct NoKeys;

impl Keys for NoKeys {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}
