//! The two engines that plugins are compiled for, and the cache of compiled code.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use wasmtime::component::Component;
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, OptLevel};

use super::compiled_files::CompiledFiles;
use super::kind::Kind;
use super::load;
use super::ticker::Ticker;
use super::{LoadError, Plugin};

/// Where compiled components are cached between runs. The node trusts these files as much as
/// its own binary, so only the node's user may have write access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CompileCache {
    /// `psycache/components` in the user's cache directory (`XDG_CACHE_HOME`, or
    /// `~/.cache`); none if there is no such directory.
    #[default]
    User,
    /// This directory, made if it is missing.
    Directory(PathBuf),
    /// No cache: components are compiled at every start.
    Off,
}

/// The level of zstd at which compiled code is kept; the default of the cache.
const COMPRESSION: i32 = 3;

/// The engines that all plugins of a node share. A process makes them once, because plugins
/// are compiled for one engine.
pub struct Engines {
    /// Synchronous calls; a guest beyond its deadline traps.
    pub(super) policies: Engine,
    /// Calls on fibers; a guest that computes yields its thread as `retriever/turns.rs` says.
    pub(super) retrievers: Engine,
    pub(super) ticker: Ticker,
    /// The files of the compile cache, if there is one.
    files: Option<CompiledFiles>,
    /// Whether instances count the instructions that they run.
    pub(super) is_metered: bool,
    /// The components in use, so that a thousand groups of one policy share its code. The lock
    /// is held for a lookup or an insertion, never during compilation.
    compiled: Mutex<HashMap<(Kind, String), Weak<Component>>>,
}

impl Engines {
    /// Makes the engines and their ticker thread.
    ///
    /// # Errors
    /// [`LoadError::Engine`]: the cache directory can't be used, or the system
    /// gives no thread.
    pub fn new(cache: &CompileCache) -> Result<Arc<Self>, LoadError> {
        Self::make(cache, false)
    }

    /// Engines whose instances count the instructions that they run, and are slower for it.
    #[cfg(feature = "cli")]
    pub(crate) fn metered(cache: &CompileCache) -> Result<Arc<Self>, LoadError> {
        Self::make(cache, true)
    }

    fn make(cache: &CompileCache, is_metered: bool) -> Result<Arc<Self>, LoadError> {
        let (cache, files) = open_cache(cache)?.unzip();
        let mut config = config(cache);
        config.consume_fuel(is_metered);
        let engine = || Engine::new(&config).map_err(|e| engine_error(&e));
        let (policies, retrievers) = (engine()?, engine()?);
        let ticker = Ticker::start(vec![policies.clone(), retrievers.clone()])
            .map_err(|e| LoadError::Engine(format!("no thread for the plugins' clock: {e}")))?;
        let compiled = Mutex::default();
        Ok(Arc::new(Self { policies, retrievers, ticker, is_metered, files, compiled }))
    }

    /// The code of `plugin`, shared by all its users. Blocks if it must be compiled.
    pub(super) fn compile(&self, kind: Kind, plugin: &Plugin) -> Result<Arc<Component>, LoadError> {
        let key = (kind, plugin.sha256().to_owned());
        if let Some(known) = self.compiled.lock().get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let engine = match kind {
            Kind::Policy => &self.policies,
            Kind::Retriever => &self.retrievers,
        };
        let compiled = Arc::new(self.compile_checked(engine, plugin)?);
        let mut known = self.compiled.lock();
        known.retain(|_, compiled| compiled.strong_count() > 0);
        known.insert(key, Arc::downgrade(&compiled));
        Ok(compiled)
    }

    /// Compiles `plugin`, or takes code from a file of the cache that is as it was written.
    fn compile_checked(&self, engine: &Engine, plugin: &Plugin) -> Result<Component, LoadError> {
        let Some(files) = &self.files else { return load::compile(engine, plugin) };
        files.check().map_err(|error| {
            let folder = files.code().display();
            let mend = "remove the folder";
            LoadError::Engine(format!(
                "the compile cache {folder} can't be checked: {error}; {mend}"
            ))
        })?;
        let compiled = load::compile(engine, plugin)?;
        if let Err(error) = files.note() {
            tracing::warn!(%error, "Compiled code was not kept; it is compiled again at the next start");
        }
        Ok(compiled)
    }
}

/// Both engines compile alike; they differ in how their stores treat an epoch.
fn config(cache: Option<Cache>) -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        // Concurrent component calls are a proposal that no plugin here uses,
        // and keeping them possible makes each call cost several times more.
        .concurrency_support(false)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        .cache(cache);
    config
}

fn open_cache(cache: &CompileCache) -> Result<Option<(Cache, CompiledFiles)>, LoadError> {
    let directory = match cache {
        CompileCache::Off => return Ok(None),
        CompileCache::User => match user_directory() {
            Some(directory) => directory,
            None => return Ok(None),
        },
        CompileCache::Directory(directory) => std::path::absolute(directory).map_err(|e| {
            LoadError::Engine(format!("the compile cache {}: {e}", directory.display()))
        })?,
    };
    let opened = CompiledFiles::open(&directory).map_err(wasmtime::Error::from).and_then(|files| {
        let mut config = CacheConfig::new();
        config.with_directory(files.code());
        // A file that is compressed anew after many uses would not have its digest any more.
        config.with_baseline_compression_level(COMPRESSION);
        config.with_optimized_compression_level(COMPRESSION);
        Ok((Cache::new(config)?, files))
    });
    match opened {
        Ok(opened) => Ok(Some(opened)),
        // The operator did not configure this directory, so the node starts without it.
        Err(error) if *cache == CompileCache::User => {
            tracing::warn!(directory = %directory.display(), "no compile cache: {error:#}");
            Ok(None)
        }
        Err(error) => Err(LoadError::Engine(format!(
            "the compile cache {} can't be used: {error:#}; name a directory that can be \
             written to, or turn the cache off",
            directory.display()
        ))),
    }
}

fn user_directory() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    let base = base.or_else(home)?;
    base.is_absolute().then(|| base.join("psycache/components"))
}

impl std::fmt::Debug for Engines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engines").finish_non_exhaustive()
    }
}

fn engine_error(error: &wasmtime::Error) -> LoadError {
    LoadError::Engine(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    /// Equal for engines that compile alike.
    fn compiles_as(engine: &Engine) -> u64 {
        let state = foldhash::fast::FixedState::default();
        state.hash_one(engine.precompile_compatibility_hash())
    }

    #[test]
    fn calls_are_not_made_for_concurrency() {
        let engines = Engines::new(&CompileCache::Off).unwrap();
        let without = Engine::new(config(None).concurrency_support(false)).unwrap();
        // It can't even be asked for, unless some library switches the feature on.
        let with = Engine::new(config(None).concurrency_support(true)).ok();
        for engine in [&engines.policies, &engines.retrievers] {
            assert_eq!(compiles_as(engine), compiles_as(&without));
            assert_ne!(Some(compiles_as(engine)), with.as_ref().map(compiles_as));
        }
    }

    #[test]
    fn a_compile_cache_is_filled_where_it_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let cache = CompileCache::Directory(folder.path().join("deeper"));
        let engines = Engines::new(&cache).unwrap();
        let bytes = wat::parse_str("(component (core module))").unwrap();
        wasmtime::component::Component::from_binary(&engines.policies, &bytes).unwrap();
        assert!(std::fs::read_dir(folder.path().join("deeper")).unwrap().next().is_some());
    }

    #[test]
    fn a_compile_cache_that_cannot_be_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = CompileCache::Directory(file.path().join("below-a-file"));
        let error = Engines::new(&cache).unwrap_err().to_string();
        assert!(error.contains("name a directory that can be written to"), "{error}");
    }
}
