//! INFO and CONFIG GET: the node's state in the words of Redis, which exporters and tools read.

use std::fmt::Write;

use super::refused::is;
use super::reply::Reply;
use super::request::Arguments;
use super::shared::Shared;
use crate::server::health::Phase;
use crate::telemetry::GetResult;

/// The version of Redis whose commands and options clients may expect.
pub(super) const REDIS_VERSION: &str = "7.4.0";

/// The sums over all groups.
#[derive(Default)]
struct Sums {
    bytes: u64,
    capacity_bytes: u64,
    evicted: u64,
    expired: u64,
    hits: u64,
    misses: u64,
}

impl Sums {
    fn of(shared: &Shared) -> Self {
        let mut sums = Self::default();
        for group in shared.groups.iter() {
            let (stats, counts) = (group.parts().store.stats(), group.counters().snapshot());
            sums.bytes += stats.bytes;
            sums.capacity_bytes += stats.capacity_bytes;
            sums.evicted += stats.evictions.policy + stats.evictions.fallback;
            sums.expired += stats.evictions.expired;
            for result in GetResult::ALL {
                let is_hit = matches!(result, GetResult::Hit | GetResult::Hot);
                let sum = if is_hit { &mut sums.hits } else { &mut sums.misses };
                *sum += counts.gets(result);
            }
        }
        sums
    }
}

/// The answer to INFO: the named sections, or all if none is named.
pub(super) fn info(shared: &Shared, sections: Arguments<'_>) -> Reply {
    let sums = Sums::of(shared);
    let all = [
        ("Server", server(shared)),
        ("Clients", clients(shared)),
        ("Memory", memory(&sums)),
        ("Persistence", persistence(shared)),
        ("Stats", stats(shared, &sums)),
        ("Replication", "role:master\r\nconnected_slaves:0\r\n".to_owned()),
        ("Cluster", "cluster_enabled:0\r\n".to_owned()),
        ("Keyspace", keyspace(shared)),
    ];
    let every = ["all", "everything", "default"];
    let wanted = |name: &str| {
        let named =
            |section: &[u8]| is(section, name) || every.iter().any(|every| is(section, every));
        sections.len() == 0 || sections.iter().any(named)
    };
    let mut text = String::new();
    for (name, lines) in all.iter().filter(|(name, _)| wanted(name)) {
        let gap = if text.is_empty() { "" } else { "\r\n" };
        write!(text, "{gap}# {name}\r\n{lines}").expect("writing to a string can't fail");
    }
    Reply::text(text)
}

/// What CONFIG GET answers: the settings whose names match a pattern.
pub(super) fn config(shared: &Shared, patterns: Arguments<'_>) -> Reply {
    let settings = [
        ("appendonly", "no".to_owned()),
        ("databases", shared.groups.in_order().count().to_string()),
        ("maxmemory", Sums::of(shared).capacity_bytes.to_string()),
        ("maxmemory-policy", POLICY.to_owned()),
        ("port", shared.port.to_string()),
        ("proto-max-bulk-len", shared.most_bytes.to_string()),
        ("save", String::new()),
        ("timeout", "0".to_owned()),
    ];
    let wanted = |name: &str| patterns.iter().any(|pattern| matches(pattern, name.as_bytes()));
    let settings = settings.into_iter().filter(|(name, _)| wanted(name));
    Reply::Map(settings.map(|(name, value)| (Reply::text(name), Reply::text(value))).collect())
}

/// The closest that Redis has to a policy of one's own choice.
const POLICY: &str = "allkeys-lru";

/// Whether `name` matches `pattern`, in which `*` is any text.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let lower = pattern.to_ascii_lowercase();
    let mut parts = lower.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle.iter().filter(|part| !part.is_empty()) {
        let Some(at) = rest.windows(part.len()).position(|window| window == *part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn server(shared: &Shared) -> String {
    let up = shared.started.elapsed().as_secs();
    lines(&[
        ("redis_version", REDIS_VERSION.to_owned()),
        ("psycache_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("redis_mode", "standalone".to_owned()),
        ("os", std::env::consts::OS.to_owned()),
        ("arch_bits", usize::BITS.to_string()),
        ("process_id", std::process::id().to_string()),
        ("tcp_port", shared.port.to_string()),
        ("uptime_in_seconds", up.to_string()),
        ("uptime_in_days", (up / 86_400).to_string()),
    ])
}

fn clients(shared: &Shared) -> String {
    lines(&[
        ("connected_clients", shared.connections.count().to_string()),
        ("blocked_clients", "0".to_owned()),
    ])
}

fn memory(sums: &Sums) -> String {
    lines(&[
        ("used_memory", sums.bytes.to_string()),
        ("used_memory_human", format!("{:.2}M", sums.bytes as f64 / f64::from(1 << 20))),
        ("used_memory_dataset", sums.bytes.to_string()),
        ("maxmemory", sums.capacity_bytes.to_string()),
        ("maxmemory_policy", POLICY.to_owned()),
    ])
}

fn persistence(shared: &Shared) -> String {
    let is_loading = shared.health.phase() == Phase::Starting;
    lines(&[("loading", u8::from(is_loading).to_string())])
}

fn stats(shared: &Shared, sums: &Sums) -> String {
    lines(&[
        ("total_connections_received", shared.connections.accepted().to_string()),
        ("total_commands_processed", shared.connections.commands().to_string()),
        ("expired_keys", sums.expired.to_string()),
        ("evicted_keys", sums.evicted.to_string()),
        ("keyspace_hits", sums.hits.to_string()),
        ("keyspace_misses", sums.misses.to_string()),
    ])
}

/// A line for each group that has entries, as Redis has one for each database with keys.
fn keyspace(shared: &Shared) -> String {
    let groups = shared.groups.in_order().enumerate();
    let counts = groups.map(|(at, group)| (at, group.parts().store.stats().entries));
    let filled = counts.filter(|(_, entries)| *entries > 0);
    filled.map(|(at, keys)| format!("db{at}:keys={keys},expires=0,avg_ttl=0\r\n")).collect()
}

fn lines(fields: &[(&str, String)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, does) in [
            ("maxmemory", true),
            ("MaxMemory", true),
            ("*", true),
            ("max*", true),
            ("*mem*y", true),
            ("m*m*", true),
            ("", false),
            ("max", false),
            ("*x", false),
            ("maxmemory*y", false),
            ("*memory*memory", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), b"maxmemory"), does, "{pattern}");
        }
    }
}
