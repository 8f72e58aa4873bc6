//! Bytes that an entry takes beyond its key and its value.

use anyhow::Result;

use super::BENCH;
use crate::Settings;
use crate::caches::{self, Cache, Parts, SUBJECTS};
use crate::heap::held_by;
use crate::linear_memory;
use crate::report::Figure;
use crate::streams::{Key, VALUE_BYTES, value};

/// Bytes an entry, as filled and after each was read once: the handle to a value
/// counts who holds it, and allocates that counter when it is first shared.
pub(super) fn measure(settings: &Settings, parts: &Parts) -> Result<Vec<Figure>> {
    let entries = if settings.quick { 20_000 } else { 100_000 };
    let mut figures = Vec::new();
    for subject in SUBJECTS {
        let policy = match subject {
            "psycache lru.wasm" => linear_memory::bytes_per_entry(parts, "lru", entries)?,
            _ => 0.0,
        };
        for (case, read) in [("filled", false), ("filled and read", true)] {
            let (cache, held) = held_by(|| filled(parts, subject, entries, read));
            let cache = cache?;
            let keys: usize = (0..entries).map(Key::len).sum();
            let payload = keys as f64 / f64::from(entries) + VALUE_BYTES as f64;
            figures.push(Figure {
                bench: BENCH,
                case: format!("overhead, {case}"),
                subject: subject.into(),
                value: held / cache.len() as f64 - payload + policy,
                unit: "B/entry",
            });
        }
    }
    Ok(figures)
}

/// A cache with room for `entries` and as many in it as fit.
fn filled(parts: &Parts, subject: &str, entries: u32, read: bool) -> Result<Box<dyn Cache>> {
    let cache = caches::make(parts, subject, entries, None)?;
    let mut key = Key::new();
    for number in 0..entries {
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
