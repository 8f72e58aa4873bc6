//! A plugin, and what it is told.

use std::collections::BTreeMap;

use super::secret::Secret;

/// A plugin and what it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugin {
    /// A built-in's name, with or without `.wasm`, or a path.
    pub plugin: String,
    /// `name -> value`.
    pub options: BTreeMap<String, String>,
    /// `name -> secret`; for retrievers.
    pub secrets: BTreeMap<String, Secret>,
    /// `host:port` that a retriever may connect to.
    pub allow_net: Vec<String>,
}

impl Plugin {
    /// The plugin of that name or path, without options.
    #[must_use]
    pub fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.into(),
            options: BTreeMap::new(),
            secrets: BTreeMap::new(),
            allow_net: Vec::new(),
        }
    }
}
