//! The configuration of a plugin.

use std::collections::BTreeMap;

use super::secret::Secret;

/// A plugin with its options, secrets and network permissions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plugin {
    /// Name of a built-in plugin, with or without `.wasm`, or a path.
    pub plugin: String,
    /// `name -> value`.
    pub options: BTreeMap<String, String>,
    /// `name -> secret`; for retrievers.
    pub secrets: BTreeMap<String, Secret>,
    /// Each `host:port` that a retriever may connect to.
    pub allow_net: Vec<String>,
    /// The SHA-256 digests that its bytes may have, in lowercase hexadecimal; any if it is
    /// empty. A policy that is swapped in must have one of them, too.
    pub sha256: Vec<String>,
}

impl Plugin {
    /// The plugin with this name or path, without options.
    #[must_use]
    pub fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.into(),
            options: BTreeMap::new(),
            secrets: BTreeMap::new(),
            allow_net: Vec::new(),
            sha256: Vec::new(),
        }
    }
}
