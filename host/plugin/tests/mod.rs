//! Components that behave, and components that do not.
#![allow(
    clippy::disallowed_methods,
    reason = "a test is a main: #[tokio::test] blocks on its runtime"
)]

mod builtins;
mod guests;
mod inspect;
mod load;
mod policies;
mod retrievers;
mod versions;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::{CompileCache, Engines, LoadError, Plugin, PolicyComponent, PolicyLimits};
use crate::policy::{Keys, PolicyConfig};

/// One pair of engines for all tests, as one serves all groups of a node.
fn engines() -> &'static Arc<Engines> {
    static ENGINES: LazyLock<Arc<Engines>> =
        LazyLock::new(|| Engines::new(&CompileCache::Off).unwrap());
    &ENGINES
}

fn config() -> PolicyConfig {
    PolicyConfig { capacity: 1000, max_entries: 1000, max_victims: 4, seed: 1, options: Vec::new() }
}

fn limits() -> PolicyLimits {
    PolicyLimits {
        memory_bytes: Some(2 << 20),
        step: Duration::from_millis(20),
        configure: Duration::from_millis(200),
    }
}

fn load(plugin: Plugin) -> Result<Arc<PolicyComponent>, LoadError> {
    PolicyComponent::load(engines(), plugin, &config(), limits())
}

/// The text of the error that loading must give.
fn refusal(plugin: Plugin) -> String {
    load(plugin).expect_err("it must not load").to_string()
}

/// Entries whose key is `key-SLOT`, as far as slot 9.
struct TenKeys;

impl Keys for TenKeys {
    fn key(&self, slot: u32) -> Option<String> {
        (slot < 10).then(|| format!("key-{slot}"))
    }
}
