//! `plugins/dist/manifest.json`: what lies beside it and what it was built from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sources::hex;

const FILE: &str = "manifest.json";

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// What `rustc --version` said.
    pub(super) toolchain: String,
    /// By file name.
    pub(super) plugins: BTreeMap<String, Record>,
}

/// One component.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Of the component, hexadecimal.
    pub(super) sha256: String,
    /// Of the component, bytes.
    pub(super) size: usize,
    /// Digest of what it was built from, hexadecimal.
    pub(super) sources: String,
}

impl Record {
    /// What to say about `component`, built from `sources`.
    pub(super) fn of(component: &[u8], sources: String) -> Self {
        Self { sha256: hex(&Sha256::digest(component)), size: component.len(), sources }
    }
}

impl Manifest {
    /// Reads the manifest in `dist`.
    pub(super) fn read(dist: &Path) -> Result<Self> {
        let path = dist.join(FILE);
        let text = fs::read(&path).with_context(|| {
            format!("reading {}; `cargo xtask plugins` writes it", path.display())
        })?;
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the manifest into `dist`.
    pub(super) fn write(&self, dist: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(dist.join(FILE), text).with_context(|| format!("writing {FILE}"))
    }
}

/// The names of all components in `dist`.
pub(super) fn components(dist: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dist).with_context(|| format!("reading {}", dist.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    Ok(names)
}
