//! One interface over this cache and the peers that it is compared with.

mod ours;
#[cfg(feature = "peers")]
mod peers;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use ours::{Kind, Ours, Parts, policy_config};

/// A cache in the process of an application. Each call does what the documentation of that cache
/// tells an application to do, and no more.
pub(crate) trait Cache: Send + Sync {
    /// Looks `key` up, and returns whether it was there. On a miss, inserts the value of
    /// `load`.
    fn get_or_insert(&self, key: &str, load: &dyn Fn() -> Bytes) -> bool {
        let found = self.get(key);
        if !found {
            self.set(key, load(), None);
        }
        found
    }

    /// Looks `key` up, and answers whether it was there.
    fn get(&self, key: &str) -> bool;

    /// Inserts a value, with `ttl` if the cache supports it.
    fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>);

    /// Drops a key.
    fn remove(&self, key: &str);

    /// Entries held.
    fn len(&self) -> u64;

    /// Waits until all background work is done.
    fn settle(&self);
}

/// The names of the caches that are compared, this one first.
#[cfg(feature = "peers")]
pub(crate) const SUBJECTS: [&str; 5] =
    ["psycache lru.wasm", "psycache lru native", "quick_cache", "moka", "foyer"];
#[cfg(not(feature = "peers"))]
pub(crate) const SUBJECTS: [&str; 2] = ["psycache lru.wasm", "psycache lru native"];

/// The cache called `subject`, for at most `entries` entries. `ttl` says that some
/// will be set to expire after it.
#[cfg_attr(
    not(feature = "peers"),
    expect(unused_variables, reason = "only moka has to know before it is made")
)]
pub(crate) fn make(
    parts: &Parts,
    subject: &str,
    entries: u32,
    ttl: Option<Duration>,
) -> anyhow::Result<Box<dyn Cache>> {
    Ok(match subject {
        "psycache lru.wasm" => Box::new(Ours::new(parts, Kind::Component("lru"), entries)?),
        "psycache lru native" => Box::new(Ours::new(parts, Kind::NativeLru, entries)?),
        #[cfg(feature = "peers")]
        "quick_cache" => Box::new(peers::quick(entries)),
        #[cfg(feature = "peers")]
        "moka" => Box::new(peers::Moka::new(entries, ttl)),
        #[cfg(feature = "peers")]
        "foyer" => Box::new(peers::Foyer::new(entries)),
        other => anyhow::bail!("no cache is called {other:?}; there are {SUBJECTS:?}"),
    })
}
