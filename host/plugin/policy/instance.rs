//! One instance of a policy at work, under its limits.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Engine, Store, Trap};

use super::calls::Calls;
use super::limits::PolicyLimits;
use super::link::PolicyState;
use crate::plugin::{Engines, load};
use crate::policy::{Batch, Failure, Policy, Snapshot};

/// The maximum number of bytes that a guest may pass to the host in one call besides its
/// victims, such as a write to its log, or its statistics.
const SMALL_TALK: usize = 64 << 10;

/// Bytes of a saved state.
const LARGEST_STATE: usize = 256 << 20;

/// A store and the limits for calls of its guest.
pub(super) struct Guest {
    store: Store<PolicyState>,
    engines: Arc<Engines>,
    /// The maximum number of bytes that the guest may pass to the host in one call.
    allowance: usize,
}

impl Guest {
    pub(super) fn new(
        engine: &Engine,
        engines: &Arc<Engines>,
        state: PolicyState,
        max_victims: u32,
    ) -> Self {
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.quota);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().watch.ask()));
        if engines.is_metered {
            // Only an engine that does not count refuses it.
            let _ = store.set_fuel(u64::MAX);
        }
        let allowance = (max_victims as usize * size_of::<u32>()).max(SMALL_TALK);
        // The engine checks the length of a list before the host allocates memory for it.
        store.set_hostcall_fuel(allowance);
        Self { store, engines: Arc::clone(engines), allowance }
    }

    pub(super) fn store(&mut self) -> &mut Store<PolicyState> {
        &mut self.store
    }

    /// Runs the guest for at most `limit` of processor time.
    pub(super) fn call<R>(
        &mut self,
        limit: Duration,
        call: impl FnOnce(&mut Store<PolicyState>) -> wasmtime::Result<R>,
    ) -> Result<R, Failure> {
        self.store.data_mut().quota.forget();
        let epochs = self.store.data_mut().watch.begin(limit);
        self.store.set_epoch_deadline(epochs);
        let running = self.engines.ticker.run();
        let answer = call(&mut self.store);
        drop(running);
        answer.map_err(|error| self.failure(&error, limit))
    }

    fn failure(&self, error: &wasmtime::Error, limit: Duration) -> Failure {
        let quota = &self.store.data().quota;
        if error.downcast_ref() == Some(&Trap::Interrupt) {
            Failure::Deadline { limit_ms: limit.as_millis() as u64 }
        } else if quota.refused() {
            Failure::Memory { limit_bytes: quota.limit_bytes() }
        } else {
            load::trapped(error, &self.store.data().log)
        }
    }
}

/// One policy at work for one group.
pub(crate) struct PolicyInstance {
    guest: Guest,
    calls: Calls,
    max_victims: u32,
    limits: PolicyLimits,
}

impl PolicyInstance {
    pub(super) fn new(guest: Guest, calls: Calls, max_victims: u32, limits: PolicyLimits) -> Self {
        Self { guest, calls, max_victims, limits }
    }

    /// Instructions that it has run; 0 unless the [engines](Engines::metered) count them.
    #[cfg(feature = "cli")]
    pub(crate) fn instructions(&self) -> u64 {
        self.guest.store.get_fuel().map_or(0, |left| u64::MAX - left)
    }

    /// The linear memory that it has, in bytes.
    #[cfg(feature = "cli")]
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.guest.store.data().quota.bytes()
    }

    /// The error of a step whose answer was too long for the host.
    fn as_too_many(&self, failure: Failure) -> Failure {
        // The engine gives this error no type of its own.
        let too_long = matches!(&failure, Failure::Trap(text) if text.contains("fuel allocated for hostcalls"));
        if !too_long {
            return failure;
        }
        let count = (self.guest.allowance / size_of::<u32>()) as u64 + 1;
        Failure::TooManyVictims { count, limit: self.max_victims }
    }
}

impl Policy for PolicyInstance {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let step = &self.calls.step;
        let arguments = (
            batch.touched.as_slice(),
            batch.removed.as_slice(),
            batch.admitted.as_slice(),
            batch.hashes.as_slice(),
            batch.attributes.as_slice(),
            need,
            now_ms,
        );
        let answer = self.guest.call(self.limits.step, |store| step.call(store, arguments));
        let (answer,) = answer.map_err(|failure| self.as_too_many(failure))?;
        if answer.len() > self.max_victims as usize {
            let count = answer.len() as u64;
            return Err(Failure::TooManyVictims { count, limit: self.max_victims });
        }
        *victims = answer;
        Ok(())
    }

    fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
        let Some(statistics) = &self.calls.statistics else {
            return Ok(Vec::new());
        };
        let (list,) = self.guest.call(self.limits.step, |store| statistics.call(store, ()))?;
        Ok(list.into_iter().map(|one| (one.name, one.value)).collect())
    }

    fn save(&mut self) -> Result<Option<Snapshot>, Failure> {
        let Some(snapshot) = &self.calls.snapshot else {
            return Ok(None);
        };
        self.guest.store.set_hostcall_fuel(LARGEST_STATE);
        let saved = self.guest.call(self.limits.configure, |store| snapshot.save.call(store, ()));
        self.guest.store.set_hostcall_fuel(self.guest.allowance);
        let (state,) = saved?;
        Ok(Some(Snapshot { format: state.format, bytes: state.bytes }))
    }

    fn restore(&mut self, state: &Snapshot) -> Result<bool, Failure> {
        let Some(snapshot) = &self.calls.snapshot else {
            return Ok(false);
        };
        let state =
            crate::plugin::contract::LentState { format: &state.format, bytes: &state.bytes };
        let limit = self.limits.configure;
        let (restored,) = self.guest.call(limit, |store| snapshot.restore.call(store, (state,)))?;
        Ok(restored)
    }
}
