//! A policy that was loaded, and how instances of it are made.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre};

use super::calls::{Calls, Exports};
use super::instance::{Guest, PolicyInstance};
use super::limits::PolicyLimits;
use super::link::{self, PolicyState};
use super::outside::Outside;
use super::trial;
use crate::plugin::contract::{self, PolicySettings};
use crate::plugin::guest_log::GuestLog;
use crate::plugin::kind::Kind;
use crate::plugin::load;
use crate::plugin::start::{self, StartError};
use crate::plugin::{Engines, LoadError, Plugin};
use crate::policy::{Failure, Keys, Policy, PolicyConfig, PolicySource};

/// A policy that was loaded and tried, ready to make instances.
pub struct PolicyComponent {
    plugin: Plugin,
    engines: Arc<Engines>,
    component: InstancePre<PolicyState>,
    /// Keeps the compiled code alive, so that other users share it.
    _compiled: Arc<Component>,
    exports: Exports,
    limits: PolicyLimits,
    log: GuestLog,
}

impl PolicyComponent {
    /// Compiles a policy, instantiates it once with `config` and runs a few trial steps. Blocks
    /// for milliseconds to seconds, so do not call it on a thread that serves requests.
    ///
    /// # Errors
    /// All of [`LoadError`] but those of [`Plugin::resolve`].
    pub fn load(
        engines: &Arc<Engines>,
        plugin: Plugin,
        config: &PolicyConfig,
        limits: PolicyLimits,
    ) -> Result<Arc<Self>, LoadError> {
        let policy = Self::compile(engines, plugin, limits)?;
        let mut scratch = policy
            .start(config, Arc::new(NoEntries), None)
            .map_err(|error| error.loading(&policy.plugin))?;
        match trial::run(&mut scratch, config) {
            Ok(()) => Ok(Arc::new(policy)),
            Err(failure) => Err(LoadError::Trial { plugin: policy.name().into(), failure }),
        }
    }

    pub(in crate::plugin) fn compile(
        engines: &Arc<Engines>,
        plugin: Plugin,
        limits: PolicyLimits,
    ) -> Result<Self, LoadError> {
        let compiled = engines.compile(Kind::Policy, &plugin)?;
        load::check_world(&plugin, &compiled, Kind::Policy)?;
        let component = link::link(&plugin, &compiled)?;
        let exports = Exports::find(&plugin, &compiled)?;
        let log = GuestLog::new(plugin.name());
        let engines = Arc::clone(engines);
        Ok(Self { plugin, engines, component, _compiled: compiled, exports, limits, log })
    }

    /// An instance whose use of the machine can be read. `outside` takes the place of the
    /// machine's clock and random numbers.
    ///
    /// # Errors
    /// As [`PolicySource::instantiate`].
    #[cfg(feature = "cli")]
    pub(crate) fn instance(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
        outside: Option<Outside>,
    ) -> Result<PolicyInstance, Failure> {
        self.start(config, keys, outside).map_err(StartError::failure)
    }

    fn start(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
        outside: Option<Outside>,
    ) -> Result<PolicyInstance, StartError> {
        let quota = self.limits.quota(config.max_entries);
        let state = PolicyState::new(quota, keys, &self.log, outside);
        let engine = self.component.engine();
        let mut guest = Guest::new(engine, &self.engines, state, config.max_victims);

        let limit = self.limits.configure;
        let instance = guest.call(limit, |store| self.component.instantiate(store))?;
        let calls = Calls::find(&self.exports, &instance, guest.store())?;
        let options = contract::pairs(&config.options);
        let settings = PolicySettings {
            capacity: config.capacity,
            max_entries: config.max_entries,
            max_victims: config.max_victims,
            seed: config.seed,
            options: &options,
        };
        let (answer,) = guest.call(limit, |store| calls.configure.call(store, (settings,)))?;
        answer.map_err(|error| Failure::Refused(start::refusal(error)))?;
        Ok(PolicyInstance::new(guest, calls, config.max_victims, self.limits))
    }
}

impl PolicySource for PolicyComponent {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn sha256(&self) -> &str {
        self.plugin.sha256()
    }

    fn instantiate(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        let instance = self.start(config, keys, None).map_err(StartError::failure)?;
        Ok(Box::new(instance))
    }
}

impl std::fmt::Debug for PolicyComponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PolicyComponent").field(&self.plugin).finish()
    }
}

/// The keys of the trial: there are none.
struct NoEntries;

impl Keys for NoEntries {
    fn key(&self, _slot: u32) -> Option<String> {
        None
    }
}
