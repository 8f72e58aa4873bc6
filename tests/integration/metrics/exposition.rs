//! What `promtool check metrics` looks for, and what the interface promises.

use std::collections::{BTreeMap, BTreeSet};

use super::scrape::Scrape;
use crate::harness::ServedNode;

/// Every family with its type and the labels of its samples.
const FAMILIES: [(&str, &str, &[&str]); 36] = [
    ("psycache_audit_events_total", "counter", &["kind"]),
    ("psycache_build_info", "gauge", &["version"]),
    ("psycache_bytes", "gauge", &["group"]),
    ("psycache_capacity_bytes", "gauge", &["group"]),
    ("psycache_connections", "gauge", &["listener"]),
    ("psycache_connections_held_bytes", "gauge", &[]),
    ("psycache_connections_refused_total", "counter", &["listener", "reason"]),
    ("psycache_entries", "gauge", &["group"]),
    ("psycache_evictions_total", "counter", &["group", "reason"]),
    ("psycache_get_seconds", "histogram", &["group", "result"]),
    ("psycache_gets_total", "counter", &["group", "result"]),
    ("psycache_handover_bytes_total", "counter", &["group"]),
    ("psycache_handover_entries_total", "counter", &["group", "outcome"]),
    ("psycache_load_seconds", "histogram", &["group", "source"]),
    ("psycache_loads_total", "counter", &["group", "outcome", "source"]),
    ("psycache_ownership_info", "gauge", &["state"]),
    ("psycache_peer_requests_total", "counter", &["outcome", "peer"]),
    ("psycache_policy_auto_changes_total", "counter", &["group", "reason"]),
    ("psycache_policy_failures_total", "counter", &["group", "kind"]),
    ("psycache_policy_info", "gauge", &["group", "policy", "state"]),
    ("psycache_policy_statistic", "gauge", &["group", "statistic"]),
    ("psycache_policy_step_seconds", "histogram", &["group"]),
    ("psycache_pool_idle", "gauge", &["group"]),
    ("psycache_pool_instances_total", "counter", &["event", "group"]),
    ("psycache_redis_connections", "gauge", &[]),
    ("psycache_registry_connected", "gauge", &[]),
    ("psycache_registry_ignored_keys", "gauge", &[]),
    ("psycache_ring_nodes", "gauge", &[]),
    ("psycache_ring_version", "gauge", &[]),
    ("psycache_source_answers", "gauge", &["group"]),
    ("psycache_source_batched_keys_total", "counter", &["group"]),
    ("psycache_source_batches_total", "counter", &["group"]),
    ("psycache_source_events_total", "counter", &["event", "group"]),
    ("psycache_source_loads", "gauge", &["group", "state"]),
    ("psycache_source_places", "gauge", &["group"]),
    ("psycache_traces_dropped_total", "counter", &[]),
];

/// The family of a sample and what its name has after that.
fn family<'a>(name: &'a str, kinds: &BTreeMap<&str, &str>) -> (&'a str, &'a str) {
    let parts = ["_bucket", "_sum", "_count"];
    let of_histogram = parts.iter().find_map(|part| {
        let family = name.strip_suffix(part)?;
        (kinds.get(family) == Some(&"histogram")).then_some((family, *part))
    });
    of_histogram.unwrap_or((name, ""))
}

/// What is wrong with a text in the format of Prometheus, a line each.
fn faults(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
    let (mut current, mut seen) = ("", BTreeSet::new());
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            if help.trim().is_empty() || !helped.insert(name) {
                faults.push(format!("{name}: no help, or twice"));
            }
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' '))
        {
            current = name;
            if kinds.insert(name, kind).is_some() || !helped.contains(name) {
                faults.push(format!("{name}: typed twice, or before its help"));
            }
            let total = name.ends_with("_total");
            if total != (kind == "counter") {
                faults.push(format!("{name}: counters end with _total, and nothing else does"));
            }
            let reserved = ["_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
            let unit = ["_ms", "_milliseconds", "_us", "_kilobytes", "_percent"];
            if reserved || unit.iter().any(|unit| name.contains(unit)) {
                faults.push(format!("{name}: a reserved end, or no base unit"));
            }
            if name.chars().any(|c| !(c.is_ascii_lowercase() || c == '_')) {
                faults.push(format!("{name}: not in snake case"));
            }
        } else if let Some((series, value)) = line.rsplit_once(' ') {
            let name = series.split('{').next().unwrap_or_default();
            if family(name, &kinds).0 != current {
                faults.push(format!("{line}: stands under {current}"));
            }
            if value.parse::<f64>().is_err() || !seen.insert(series) {
                faults.push(format!("{line}: no number, or there twice"));
            }
        } else {
            faults.push(format!("{line}: what is this"));
        }
    }
    faults
}

#[tokio::test]
async fn the_text_is_what_scrapers_and_the_interface_expect() {
    let node = ServedNode::pair(&[]).into_iter().next().unwrap();
    node.run(["get", "default", "Tom", "Jack", "Sam", "Nobody", "--json"]);
    node.run(["get", "default", "Tom"]);
    let scrape = Scrape::of(&node).await;
    let text = &scrape.text;
    assert_eq!(faults(text), [""; 0], "{text}");

    let kinds: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let expected: BTreeMap<&str, &str> = FAMILIES.map(|(name, kind, _)| (name, kind)).into();
    assert_eq!(kinds, expected);
    for (name, labels) in scrape.series() {
        let (family, part) = family(&name, &kinds);
        let told: Vec<_> = labels.keys().filter(|label| *label != "le").collect();
        let promised = FAMILIES.iter().find(|(name, ..)| *name == family).unwrap().2;
        assert_eq!(told, promised, "{name}");
        assert_eq!(labels.contains_key("le"), part == "_bucket", "{name}");
    }
    let mut histograms = 0;
    for (sample, buckets) in scrape.histograms() {
        histograms += 1;
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{sample:?}");
        let labels: Vec<_> = sample.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let count = scrape.value(&format!("{}_count", sample.metric), &labels);
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{sample:?}");
        assert!(count > 0.0, "lines that say nothing: {sample:?}");
    }
    assert!(histograms > 1, "{histograms}");
    // Loads from another node end in fewer ways.
    let other = scrape.series().into_iter().filter(|(name, labels)| {
        name == "psycache_loads_total" && labels["source"] == "previous-owner"
    });
    let outcomes: BTreeSet<_> = other.map(|(_, labels)| labels["outcome"].clone()).collect();
    let expected = ["found", "lost", "not-found", "unavailable"].map(str::to_owned);
    assert_eq!(outcomes, expected.into());
}

#[test]
fn a_fault_is_noticed() {
    let good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 1\n";
    assert_eq!(faults(good), [""; 0]);
    for bad in [
        "# TYPE a_total counter\na_total 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a A.\n# TYPE a gauge\nb 1\n",
        "# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n",
    ] {
        assert_eq!(faults(bad).len(), 1, "{bad}");
    }
}
