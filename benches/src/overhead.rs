//! Bytes that an entry takes beyond its key and its value.

use anyhow::Result;

use crate::caches::{self, Cache, Parts};
use crate::heap::held_by;
use crate::linear_memory;
use crate::streams::{Key, VALUE_BYTES, value};

/// Fills the cache called `subject` with as many of `entries` entries as fit, the most
/// frequent last, and reads each once if `read`. Answers the cache and its bytes an
/// entry, the policy's memory included.
pub(crate) fn filled(
    parts: &Parts,
    subject: &str,
    entries: u32,
    read: bool,
) -> Result<(Box<dyn Cache>, f64)> {
    let (cache, held) = held_by(|| fill(parts, subject, entries, read));
    let cache = cache?;
    // All memory of the other caches comes from the allocator.
    let policy = match subject {
        "psycache lru.wasm" => linear_memory::bytes_per_entry(parts, "lru", entries)?,
        _ => 0.0,
    };
    let keys: usize = (0..entries).map(Key::len).sum();
    let payload = keys as f64 / f64::from(entries) + VALUE_BYTES as f64;
    let overhead = held / cache.len() as f64 - payload + policy;
    Ok((cache, overhead))
}

fn fill(parts: &Parts, subject: &str, entries: u32, read: bool) -> Result<Box<dyn Cache>> {
    let cache = caches::make(parts, subject, entries, None)?;
    let mut key = Key::new();
    for number in (0..entries).rev() {
        cache.set(key.of(number), value(), None);
    }
    cache.settle();
    if read {
        for number in 0..entries {
            cache.get(key.of(number));
        }
        cache.settle();
    }
    Ok(cache)
}
