//! The peers, each used as its documentation recommends.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use foyer_memory::{CacheBuilder, LruConfig};
use quick_cache::sync::DefaultLifecycle;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use super::Cache;

/// Shards for each core: what `quick_cache` and this cache choose by themselves.
const SHARDS_PER_CORE: usize = 4;

type Quick = quick_cache::sync::Cache<Box<str>, Bytes>;

/// Configured with the expected number of entries, so that it never grows a table.
pub(super) fn quick(entries: u32) -> Quick {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(entries as usize)
        .weight_capacity(entries.into())
        .build()
        .expect("both are given");
    let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    Quick::with_options(options, UnitWeighter, hasher, lifecycle)
}

impl Cache for Quick {
    fn get(&self, key: &str) -> bool {
        Quick::get(self, key).is_some_and(|value| {
            black_box(&value);
            true
        })
    }

    fn set(&self, key: &str, value: Bytes, _ttl: Option<Duration>) {
        self.insert(key.into(), value);
    }

    fn remove(&self, key: &str) {
        Quick::remove(self, key);
    }

    fn len(&self) -> u64 {
        Quick::len(self) as u64
    }

    fn settle(&self) {}
}

/// TinyLFU over an LRU, its default. Housekeeping is done by the calling threads.
pub(super) struct Moka(moka::sync::Cache<Box<str>, Bytes, foldhash::fast::RandomState>);

impl Moka {
    /// `ttl` is that of every entry: a time for each alone would need an `Expiry`,
    /// which costs more.
    pub(super) fn new(entries: u32, ttl: Option<Duration>) -> Self {
        let mut builder = moka::sync::Cache::builder()
            .max_capacity(entries.into())
            .initial_capacity(entries as usize);
        if let Some(ttl) = ttl {
            builder = builder.time_to_live(ttl);
        }
        Self(builder.build_with_hasher(foldhash::fast::RandomState::default()))
    }
}

impl Cache for Moka {
    fn get(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| {
            black_box(&value);
            true
        })
    }

    fn set(&self, key: &str, value: Bytes, _ttl: Option<Duration>) {
        self.0.insert(key.into(), value);
    }

    fn remove(&self, key: &str) {
        self.0.invalidate(key);
    }

    fn len(&self) -> u64 {
        self.0.entry_count()
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

/// In memory only, an LRU as this cache's policy is.
pub(super) struct Foyer(foyer_memory::Cache<Box<str>, Bytes, foldhash::fast::RandomState>);

impl Foyer {
    pub(super) fn new(entries: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(
            CacheBuilder::new(entries as usize)
                .with_shards(cores * SHARDS_PER_CORE)
                .with_eviction_config(LruConfig::default())
                .with_hash_builder(foldhash::fast::RandomState::default())
                .build(),
        )
    }
}

impl Cache for Foyer {
    fn get(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|entry| {
            black_box(entry.value());
            true
        })
    }

    fn set(&self, key: &str, value: Bytes, _ttl: Option<Duration>) {
        self.0.insert(key.into(), value);
    }

    fn remove(&self, key: &str) {
        self.0.remove(key);
    }

    fn len(&self) -> u64 {
        self.0.entries() as u64
    }

    fn settle(&self) {}
}
