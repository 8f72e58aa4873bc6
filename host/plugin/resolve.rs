//! Finds a plugin by name or path, and reads its bytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::builtin::{self, Builtin};
use super::{Kind, LoadError};
use crate::nearest::nearest;

/// The default maximum size of a component, in bytes.
pub const MAX_COMPONENT_BYTES: u64 = 64 << 20;

/// The bytes of a plugin, not validated yet.
#[derive(Clone)]
pub struct Plugin {
    name: String,
    sha256: String,
    bytes: Cow<'static, [u8]>,
    is_builtin: bool,
}

impl Plugin {
    /// Finds a plugin: by a built-in's name (`lruk`), the same with `.wasm` unless
    /// such a file is here, or by the path of a file.
    ///
    /// # Errors
    /// [`LoadError::Unknown`], [`LoadError::Unreadable`] or [`LoadError::TooLarge`].
    pub fn resolve(plugin: &str) -> Result<Self, LoadError> {
        Self::resolve_within(plugin, MAX_COMPONENT_BYTES)
    }

    /// [`resolve`](Self::resolve) with another size limit.
    ///
    /// # Errors
    /// The same.
    pub fn resolve_within(plugin: &str, max_bytes: u64) -> Result<Self, LoadError> {
        if let Some(builtin) = builtin::find(plugin) {
            return Ok(Self::from_builtin(builtin));
        }
        let path = Path::new(plugin);
        let stem = plugin.strip_suffix(".wasm").unwrap_or(plugin);
        let is_bare = !plugin.contains(['/', '\\']);
        if is_bare && !path.exists() {
            return match builtin::find(stem) {
                Some(builtin) => Ok(Self::from_builtin(builtin)),
                None => Err(unknown(plugin, stem)),
            };
        }
        let bytes = read(plugin, path, max_bytes)?;
        Ok(Self::new(plugin.into(), bytes.into(), false))
    }

    /// A plugin from bytes, received over the network for example.
    ///
    /// # Errors
    /// [`LoadError::TooLarge`].
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, LoadError> {
        let name = name.into();
        check_size(&name, bytes.len() as u64, MAX_COMPONENT_BYTES)?;
        Ok(Self::new(name, bytes.into(), false))
    }

    /// The plugin of that name that came with the binary; never a file.
    ///
    /// # Errors
    /// [`LoadError::Unknown`].
    pub fn builtin(name: &str) -> Result<Self, LoadError> {
        let found = builtin::find(name).map(Self::from_builtin);
        found.ok_or_else(|| unknown(name, name))
    }

    /// All plugins of this kind that came with the binary.
    pub fn builtins(kind: Kind) -> impl Iterator<Item = Self> {
        let of_kind = builtin::BUILTINS.iter().filter(move |builtin| builtin.kind == kind);
        of_kind.map(Self::from_builtin)
    }

    fn from_builtin(builtin: &'static Builtin) -> Self {
        Self::new(builtin.name.into(), builtin.bytes.into(), true)
    }

    fn new(name: String, bytes: Cow<'static, [u8]>, is_builtin: bool) -> Self {
        let digest = Sha256::digest(&bytes);
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name, sha256, bytes, is_builtin }
    }

    /// Checks that the digest is one of `pinned`, if that names any.
    ///
    /// # Errors
    /// [`LoadError::OtherDigest`].
    pub fn with_digest_in(self, pinned: &[String]) -> Result<Self, LoadError> {
        if pinned.is_empty() || pinned.contains(&self.sha256) {
            return Ok(self);
        }
        let (plugin, found, pinned) = (self.name, self.sha256, pinned.to_vec());
        Err(LoadError::OtherDigest { plugin, found, pinned })
    }

    /// A built-in's name or the path as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Digest of the bytes in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The component.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it came with the binary.
    #[must_use]
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plugin({:?}, {} bytes)", self.name, self.bytes.len())
    }
}

fn unknown(plugin: &str, stem: &str) -> LoadError {
    LoadError::Unknown {
        plugin: plugin.into(),
        nearest: nearest(stem, builtin::names()),
        known: builtin::names(),
    }
}

fn read(plugin: &str, path: &Path, max_bytes: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |problem: String| LoadError::Unreadable { plugin: plugin.into(), problem };
    let failed = |error: std::io::Error| unreadable(format!("{error}; check the path"));
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(unreadable("it is a directory; name the .wasm file in it".into()));
    }
    check_size(plugin, metadata.len(), max_bytes)?;
    let mut bytes = Vec::new();
    // A file that grows meanwhile, or a pipe, tells its size only by being read.
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
    check_size(plugin, bytes.len() as u64, max_bytes)?;
    Ok(bytes)
}

fn check_size(plugin: &str, bytes: u64, limit: u64) -> Result<(), LoadError> {
    if bytes <= limit {
        return Ok(());
    }
    Err(LoadError::TooLarge { plugin: plugin.into(), bytes, limit })
}
