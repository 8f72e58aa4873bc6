//! The bytes of a trace, plain or gzip: replayed through the LRU component that a
//! node runs, and through a list that is searched from end to end.

use std::io::Cursor;
use std::num::NonZeroU64;
use std::sync::{Arc, LazyLock};

use psycache::cli::{Simulated, Unit, simulate};
use psycache::plugin::{CompileCache, Engines, Plugin, PolicyComponent, PolicyLimits};
use psycache::policy::PolicyConfig;

/// Compiled once for all inputs.
static LRU: LazyLock<Arc<PolicyComponent>> = LazyLock::new(|| {
    let engines = Engines::new(&CompileCache::Off).expect("engines can be made");
    let plugin = Plugin::builtin("lru").expect("it is built in");
    let config = PolicyConfig::new(1, 1);
    PolicyComponent::load(&engines, plugin, &config, PolicyLimits::default()).expect("it loads")
});

/// Runs one input: its first byte tells unit and capacity, the rest is the trace.
///
/// # Panics
/// The component and the list count different hits.
pub fn run(input: &[u8]) {
    let Some((first, trace)) = input.split_first() else {
        return;
    };
    let unit = if first & 1 == 0 { Unit::Entries } else { Unit::Bytes };
    let capacity = NonZeroU64::new(u64::from(first >> 1) + 1).expect("it is above 0");
    let outcome = simulate(Cursor::new(trace.to_vec()), unit, LRU.as_ref(), capacity);
    let plain = !PACKED.iter().any(|first| trace.starts_with(first));
    match outcome {
        Ok(simulated) if plain => assert_eq!(simulated, expected(trace, unit, capacity.get())),
        Ok(simulated) => assert!((0.0..=1.0).contains(&simulated.hit_ratio)),
        Err(error) if plain => {
            let text = format!("{error:#}");
            assert!(text.contains("line "), "it does not say where: {text}");
        }
        Err(_) => {}
    }
}

/// The first bytes of files that are unpacked, or refused.
const PACKED: [&[u8]; 5] =
    [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"\xfd7zXZ\0", b"BZh", b"PK\x03\x04"];

/// What the textbook says of a trace in which every line is right.
fn expected(trace: &[u8], unit: Unit, capacity: u64) -> Simulated {
    let mut keys = std::collections::BTreeSet::new();
    // The most recently used last.
    let mut held: Vec<(&[u8], u64)> = Vec::new();
    let (mut requests, mut hits) = (0_u64, 0_u64);
    let trace = trace.strip_prefix(b"\xef\xbb\xbf").unwrap_or(trace);
    for line in trace.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        let (key, size) = match (unit, line.iter().rposition(u8::is_ascii_whitespace)) {
            _ if line.is_empty() => continue,
            (Unit::Bytes, Some(blank)) => (line[..blank].trim_ascii(), &line[blank + 1..]),
            _ => (line, &line[..0]),
        };
        requests += 1;
        keys.insert(key);
        if let Some(at) = held.iter().position(|(held, _)| *held == key) {
            hits += 1;
            let entry = held.remove(at);
            held.push(entry);
            continue;
        }
        let size = std::str::from_utf8(size).ok();
        let weight = match unit {
            Unit::Entries => 1,
            Unit::Bytes => size.and_then(|size| size.parse().ok()).unwrap_or(1_u64).max(1),
        };
        if weight > capacity {
            continue;
        }
        held.push((key, weight));
        while held.iter().map(|(_, weight)| weight).sum::<u64>() > capacity {
            held.remove(0);
        }
    }
    let hit_ratio = hits as f64 / requests.max(1) as f64;
    Simulated { requests, unique: keys.len(), hit_ratio }
}
