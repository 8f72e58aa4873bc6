//! The component under check, and instances of it.

use std::sync::Arc;
use std::time::Duration;

use crate::plugin::{
    CompileCache, Engines, LoadError, Outside, Plugin, PolicyComponent, PolicyInstance,
    PolicyLimits,
};
use crate::policy::{Failure, Keys, PolicyConfig};

/// A step may take so long where instructions are counted, which slows a policy down.
const METERED_STEP: Duration = Duration::from_secs(1);

/// A policy that loads, compiled as a node runs it and once more to count instructions.
pub(super) struct Subject {
    plain: Arc<PolicyComponent>,
    metered: Arc<PolicyComponent>,
    options: Vec<(String, String)>,
}

impl Subject {
    /// Compiles `plugin` and tries it as a node does.
    ///
    /// # Errors
    /// Those for which a node refuses it.
    pub(super) fn load(plugin: &Plugin, options: Vec<(String, String)>) -> Result<Self, LoadError> {
        let config = PolicyConfig { options: options.clone(), ..PolicyConfig::new(1_000, 1_000) };
        let limits = PolicyLimits::default();
        let engines = Engines::new(&CompileCache::User)?;
        let plain = PolicyComponent::load(&engines, plugin.clone(), &config, limits)?;
        let engines = Engines::metered(&CompileCache::User)?;
        let limits = PolicyLimits { step: METERED_STEP, ..limits };
        let metered = PolicyComponent::load(&engines, plugin.clone(), &config, limits)?;
        Ok(Self { plain, metered, options })
    }

    /// The options that it is checked with.
    pub(super) fn options(&self) -> &[(String, String)] {
        &self.options
    }

    /// An instance that sees `outside` in place of this machine, so that it does the same in
    /// each run.
    pub(super) fn instance(
        &self,
        config: &PolicyConfig,
        keys: Arc<dyn Keys>,
        outside: Outside,
    ) -> Result<PolicyInstance, Failure> {
        self.plain.instance(config, keys, Some(outside))
    }

    /// An instance for measuring time and memory.
    pub(super) fn live(&self, entries: u32, capacity: u32) -> Result<PolicyInstance, Failure> {
        self.plain.instance(&self.sized(entries, capacity), Arc::new(Numbered), None)
    }

    /// The same with a count of its instructions.
    pub(super) fn metered(&self, entries: u32, capacity: u32) -> Result<PolicyInstance, Failure> {
        self.metered.instance(&self.sized(entries, capacity), Arc::new(Numbered), None)
    }

    fn sized(&self, entries: u32, capacity: u32) -> PolicyConfig {
        PolicyConfig {
            max_victims: 256,
            options: self.options.clone(),
            ..PolicyConfig::new(capacity.into(), entries)
        }
    }
}

/// Keys after their slots, for a policy that asks.
struct Numbered;

impl Keys for Numbered {
    fn key(&self, slot: u32) -> Option<String> {
        Some(format!("key-{slot}"))
    }
}
