//! Which plugins the tree has, and the digest of what each is built from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What a component is for, which decides how it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Built without WASI and wrapped, so that it imports nothing.
    Policy,
    /// Built for WASI 0.2: it needs clocks and sockets.
    Retriever,
}

impl Kind {
    /// Every kind, in the order of building.
    pub(super) const ALL: [Self; 2] = [Self::Policy, Self::Retriever];

    /// The compiler's target.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Policy => "wasm32-unknown-unknown",
            Self::Retriever => "wasm32-wasip2",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Policy => "plugins/policies",
            Self::Retriever => "plugins/retrievers",
        }
    }
}

/// A plugin of this tree: a folder under `plugins/policies` or `plugins/retrievers`.
#[derive(Debug)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Plugin {
    /// The name of its component.
    pub(super) fn file(&self) -> String {
        format!("{}.wasm", self.name)
    }

    /// The name of its package.
    pub(super) fn package(&self) -> String {
        match self.kind {
            Kind::Policy => format!("psycache-policy-{}", self.name),
            Kind::Retriever => format!("psycache-retriever-{}", self.name),
        }
    }

    /// SHA-256 over names and contents of all files that can change the component: its
    /// own, the SDK's, the contract's and the workspace's with its lock file.
    pub(super) fn digest(&self, root: &Path) -> Result<String> {
        let mut files = Vec::new();
        let own = format!("{}/{}", self.kind.folder(), self.name);
        for folder in [own.as_str(), "plugins/sdk", "wit"] {
            collect(&root.join(folder), &mut files)?;
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            files.push(root.join("plugins").join(file));
        }
        files.sort();
        let mut digest = Sha256::new();
        for file in files {
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let name = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            digest.update(format!("{name}\0{}\0", content.len()));
            digest.update(content);
        }
        Ok(hex(&digest.finalize()))
    }
}

/// Every plugin of the tree, policies first, each kind by name.
pub(super) fn discover(root: &Path) -> Result<Vec<Plugin>> {
    let mut plugins = Vec::new();
    for kind in Kind::ALL {
        let folder = root.join(kind.folder());
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        plugins.extend(names.into_iter().map(|name| Plugin { name, kind }));
    }
    Ok(plugins)
}

/// Adds all files below `folder` but tests, which never reach a component.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("tests") => {}
            _ if path.is_dir() => collect(&path, files)?,
            _ => files.push(path),
        }
    }
    Ok(())
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
