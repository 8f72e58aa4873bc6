//! A description of a plugin file, even of a broken one.

use std::sync::Arc;

use serde::Serialize;
use wasmtime::component::Component;

use super::contract::{INTROSPECT, PACKAGE, PROBE, RETRIEVER_BATCH, SNAPSHOT};
use super::kind::Kind;
use super::load;
use super::{
    Engines, LoadError, Plugin, PolicyComponent, PolicyLimits, RetrieverComponent, RetrieverConfig,
    RetrieverLimits,
};
use crate::policy::PolicyConfig;

/// The optional interfaces and their short names.
const ABILITIES: [(&str, &str); 4] = [
    (INTROSPECT, "introspect"),
    (SNAPSHOT, "snapshot"),
    (RETRIEVER_BATCH, "retriever-batch"),
    (PROBE, "probe"),
];

/// The output of `psycache plugin inspect`. Fields that a broken file does not provide are
/// empty or absent.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The name of the built-in or the path of the file.
    pub plugin: String,
    /// The size of the component in bytes.
    pub size: u64,
    /// Digest of the component in hexadecimal.
    pub sha256: String,
    /// The kind of plugin.
    pub kind: Option<Kind>,
    /// The interface that determines the kind, with the version that the plugin was built for.
    pub contract: Option<String>,
    /// Names of all its imports.
    pub imports: Vec<String>,
    /// Names of all its exports.
    pub exports: Vec<String>,
    /// The optional interfaces that it exports and this node supports.
    pub abilities: Vec<String>,
    /// Whether it loads and takes its configuration.
    pub loads: bool,
    /// Why it does not load; absent if it does.
    pub problem: Option<String>,
}

impl Inspection {
    /// Inspects `plugin` and instantiates it once, with `options` and without network access.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn of(engines: &Arc<Engines>, plugin: Plugin, options: &[(String, String)]) -> Self {
        let mut seen = Self {
            plugin: plugin.name().into(),
            size: plugin.bytes().len() as u64,
            sha256: plugin.sha256().into(),
            kind: None,
            contract: None,
            imports: Vec::new(),
            exports: Vec::new(),
            abilities: Vec::new(),
            loads: false,
            problem: None,
        };
        let loaded = match seen.look(engines, plugin.clone()).await {
            Ok(kind) => Self::load(engines, plugin, kind, options.to_vec()).await,
            Err(error) => Err(error),
        };
        seen.loads = loaded.is_ok();
        seen.problem = loaded.err().map(|error| error.to_string());
        seen
    }

    /// Reads the imports and exports of the component.
    async fn look(&mut self, engines: &Arc<Engines>, plugin: Plugin) -> Result<Kind, LoadError> {
        let own = Arc::clone(engines);
        let compile = move || {
            let compiled = own.compile(Kind::Policy, &plugin);
            (compiled, plugin)
        };
        let compiled = tokio::task::spawn_blocking(compile).await;
        let (compiled, plugin) = compiled.map_err(|e| LoadError::Engine(e.to_string()))?;
        let component = compiled?;
        self.imports = load::imports(&component);
        self.exports = load::exports(&component);
        let offers = |(interface, _): &&(&str, &str)| has(&component, interface);
        self.abilities =
            ABILITIES.iter().filter(offers).map(|(_, name)| (*name).to_owned()).collect();

        let kind = match [Kind::Policy, Kind::Retriever].into_iter().find(|kind| self.is(*kind)) {
            Some(kind) => kind,
            None => return Err(no_kind(&plugin, &self.exports)),
        };
        self.kind = Some(kind);
        self.contract = self.exports.iter().find(|name| kind.is_named(name)).cloned();
        load::check_world(&plugin, &component, kind)?;
        Ok(kind)
    }

    fn is(&self, kind: Kind) -> bool {
        self.exports.iter().any(|name| kind.is_named(name))
    }

    async fn load(
        engines: &Arc<Engines>,
        plugin: Plugin,
        kind: Kind,
        options: Vec<(String, String)>,
    ) -> Result<(), LoadError> {
        if kind == Kind::Retriever {
            let config =
                RetrieverConfig { group: "default".into(), options, ..RetrieverConfig::default() };
            let limits = RetrieverLimits::default();
            RetrieverComponent::load(engines, plugin, config, limits).await?;
            return Ok(());
        }
        let config = PolicyConfig {
            capacity: 1 << 20,
            max_entries: 1024,
            max_victims: 64,
            seed: 0,
            options,
        };
        let engines = Arc::clone(engines);
        let load =
            move || PolicyComponent::load(&engines, plugin, &config, PolicyLimits::default());
        let loaded = tokio::task::spawn_blocking(load).await;
        loaded.map_err(|e| LoadError::Engine(e.to_string()))?.map(|_| ())
    }
}

fn has(component: &Component, interface: &str) -> bool {
    component.get_export_index(None, interface).is_some()
}

fn no_kind(plugin: &Plugin, exports: &[String]) -> LoadError {
    LoadError::WrongWorld {
        plugin: plugin.name().into(),
        wanted: "policy or retriever",
        exports: exports.to_vec(),
        mend: format!("build it for a world of {PACKAGE}* in psycache-plugin.wit"),
    }
}
