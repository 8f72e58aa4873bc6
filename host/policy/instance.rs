//! A wrapper of a policy's instance that turns panics and oversized answers into failures.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Batch, Failure, Keys, Policy, PolicyConfig, PolicySource, Snapshot};

/// The largest need that is passed to a policy: the contract keeps every number below 2^53.
pub(super) const LARGEST_NEED: u64 = (1 << 53) - 1;

/// A policy whose panics become failures. A panic while it is dropped is ignored.
pub(crate) struct Instance {
    /// `None` only during drop.
    policy: Option<Box<dyn Policy>>,
    max_victims: u32,
}

impl Instance {
    /// Makes and configures an instance of `source`.
    pub(crate) fn new(
        source: &dyn PolicySource,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
    ) -> Result<Self, Failure> {
        let policy = walled(|| source.instantiate(config, keys))?;
        Ok(Self { policy: Some(policy), max_victims: config.max_victims })
    }

    /// Calls [`Policy::step`]. More victims than allowed are a failure.
    pub(crate) fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        victims.clear();
        let need = need.min(LARGEST_NEED);
        self.call(|policy| policy.step(batch, need, now_ms, victims))?;
        let limit = self.max_victims;
        if victims.len() > limit as usize {
            return Err(Failure::TooManyVictims { count: victims.len() as u64, limit });
        }
        Ok(())
    }

    /// Calls [`Policy::statistics`].
    pub(super) fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        self.call(|policy| policy.statistics())
    }

    /// Calls [`Policy::save`].
    pub(super) fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        self.call(|policy| policy.save())
    }

    /// Calls [`Policy::restore`].
    pub(super) fn restore(&mut self, state: &Snapshot) -> Result<bool, Failure> {
        self.call(|policy| policy.restore(state))
    }

    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Policy) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let policy = self.policy.as_mut().expect("present until it is dropped");
        walled(|| call(policy.as_mut()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let policy = self.policy.take();
        // A panic is ignored: the instance is gone either way.
        let _ = walled(|| {
            drop(policy);
            Ok(())
        });
    }
}

/// Runs `call` and turns a panic into a failure. This is unwind-safe because only the
/// instance can be left half changed, and it is not used again after a failure.
fn walled<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(Failure::Trap(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a message"))
}
