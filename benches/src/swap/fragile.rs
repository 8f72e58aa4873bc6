//! A policy that traps on command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use psycache::policy::{Batch, Failure, Keys, Policy, PolicyConfig, PolicySource};

/// Instances of another policy, of which the one at work traps once the switch is on.
pub(super) struct Fragile {
    policy: Arc<dyn PolicySource>,
    /// Switched off by the trap.
    traps: Arc<AtomicBool>,
    /// The number of entries that the newest instance has received.
    admitted: Arc<AtomicU64>,
}

impl Fragile {
    pub(super) fn new(policy: Arc<dyn PolicySource>, traps: Arc<AtomicBool>) -> Self {
        Self { policy, traps, admitted: Arc::default() }
    }

    pub(super) fn admitted(&self) -> u64 {
        self.admitted.load(Ordering::Acquire)
    }
}

impl PolicySource for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn instantiate(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        let policy = self.policy.instantiate(config, keys)?;
        let (traps, admitted) = (Arc::clone(&self.traps), Arc::clone(&self.admitted));
        Ok(Box::new(Instance { policy, traps, admitted }))
    }
}

struct Instance {
    policy: Box<dyn Policy>,
    traps: Arc<AtomicBool>,
    admitted: Arc<AtomicU64>,
}

impl Policy for Instance {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        if !batch.is_empty() && self.traps.load(Ordering::Acquire) {
            self.admitted.store(0, Ordering::Release);
            self.traps.store(false, Ordering::Release);
            return Err(Failure::Trap("as it was told to".into()));
        }
        self.policy.step(batch, need, now_ms, victims)?;
        self.admitted.fetch_add(batch.admitted.len() as u64, Ordering::AcqRel);
        Ok(())
    }
}
