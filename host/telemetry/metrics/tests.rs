//! The exposition, line by line.

use std::time::Duration;

use super::*;
use crate::telemetry::durations::Durations;
use crate::telemetry::{
    GetResult, LoadReading, PeerReading, PolicyReading, ShadowReading, ShadowRowReading,
    SourceGauges,
};

fn node() -> NodeReading {
    let took = Durations::default();
    took.record(Duration::from_micros(50));
    took.record(Duration::from_secs(100));
    let group = GroupReading {
        group: r#"odd "name""#.into(),
        gets: GetResult::ALL.iter().map(|result| (*result, *result as u64)).collect(),
        get_seconds: vec![(GetResult::Hit, took.read())],
        loads: vec![LoadReading { source: "retriever", outcome: "ok", count: 7 }],
        load_seconds: vec![("retriever", took.read())],
        source_events: vec![("retry", 6)],
        source: Some(SourceGauges {
            places: 8,
            loads: vec![("running", 2), ("waiting", 1)],
            idle_instances: 5,
            instances: vec![("started", 9), ("discarded", 3)],
            batches: 2,
            batched_keys: 40,
            answers: true,
        }),
        handed_over: vec![("kept", 4), ("refused", 1)],
        handed_over_bytes: 80,
        evictions: vec![("policy", 3), ("expired", 0)],
        entries: 2,
        bytes: 300,
        capacity_bytes: 4096,
        policy: PolicyReading {
            name: "lruk".into(),
            state: "running",
            failures: vec![("trap", 1)],
            auto_changes: vec![("better", 2), ("undone", 1)],
            step_seconds: took.read(),
            statistics: vec![("ghosts".into(), 0.5)],
        },
    };
    NodeReading {
        groups: vec![group],
        shadows: vec![ShadowReading {
            group: r#"odd "name""#.into(),
            live_hit_ratio: Some(0.5),
            rows: vec![ShadowRowReading {
                policy: "lruk?k=3".into(),
                capacity: "0.5x".into(),
                hit_ratio: 0.625,
                error: 0.25,
                loads_saved_per_second: 12.5,
            }],
            lost: 6,
        }],
        peers: vec![PeerReading { peer: "127.0.0.1:7402".into(), requests: vec![("ok", 9)] }],
        ring_nodes: 2,
        ring_version: 5,
        registry_connected: true,
        state: "holds",
        ignored_keys: 0,
        traces_dropped: 0,
        redis_connections: 0,
        audited: vec![("refused", 8), ("swap", 0)],
        connections: ConnectionsReading {
            open: vec![("grpc", 3)],
            refused: vec![("grpc", "address", 4)],
            held_bytes: 65_536,
        },
        certificates: None,
    }
}

fn text() -> String {
    Metrics::new(node).text(Exposition::OpenMetrics)
}

#[test]
fn every_metric_of_the_interface_is_there_with_its_labels() {
    let text = text();
    let group = r#"group="odd \"name\"""#;
    let row = r#"policy="lruk?k=3",capacity="0.5x""#;
    for line in [
        &format!("psycache_gets_total{{{group},result=\"peer\"}} 2"),
        &r#"psycache_connections{listener="grpc"} 3"#.into(),
        &r#"psycache_connections_refused_total{listener="grpc",reason="address"} 4"#.into(),
        &"psycache_connections_held_bytes 65536".into(),
        &format!("psycache_get_seconds_bucket{{le=\"+Inf\",{group},result=\"hit\"}} 2"),
        &format!("psycache_get_seconds_bucket{{le=\"0.000064\",{group},result=\"hit\"}} 1"),
        &format!("psycache_get_seconds_sum{{{group},result=\"hit\"}} 100.00005"),
        &format!("psycache_loads_total{{{group},source=\"retriever\",outcome=\"ok\"}} 7"),
        &format!("psycache_load_seconds_count{{{group},source=\"retriever\"}} 2"),
        &format!("psycache_source_events_total{{{group},event=\"retry\"}} 6"),
        &format!("psycache_source_places{{{group}}} 8"),
        &format!("psycache_source_loads{{{group},state=\"waiting\"}} 1"),
        &format!("psycache_source_answers{{{group}}} 1"),
        &format!("psycache_source_batches_total{{{group}}} 2"),
        &format!("psycache_source_batched_keys_total{{{group}}} 40"),
        &format!("psycache_pool_idle{{{group}}} 5"),
        &format!("psycache_pool_instances_total{{{group},event=\"discarded\"}} 3"),
        &format!("psycache_evictions_total{{{group},reason=\"policy\"}} 3"),
        &format!("psycache_entries{{{group}}} 2"),
        &format!("psycache_bytes{{{group}}} 300"),
        &format!("psycache_capacity_bytes{{{group}}} 4096"),
        &format!("psycache_policy_info{{{group},policy=\"lruk\",state=\"running\"}} 1"),
        &format!("psycache_policy_failures_total{{{group},kind=\"trap\"}} 1"),
        &format!("psycache_policy_auto_changes_total{{{group},reason=\"better\"}} 2"),
        &format!("psycache_policy_step_seconds_count{{{group}}} 2"),
        &format!("psycache_policy_statistic{{{group},statistic=\"ghosts\"}} 0.5"),
        &format!("psycache_shadow_live_hit_ratio{{{group}}} 0.5"),
        &format!("psycache_shadow_hit_ratio{{{group},{row}}} 0.625"),
        &format!("psycache_shadow_hit_ratio_error{{{group},{row}}} 0.25"),
        &format!("psycache_shadow_loads_saved_per_second{{{group},{row}}} 12.5"),
        &format!("psycache_shadow_lost_total{{{group}}} 6"),
        "psycache_peer_requests_total{peer=\"127.0.0.1:7402\",outcome=\"ok\"} 9",
        &format!("psycache_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        "psycache_audit_events_total{kind=\"refused\"} 8",
        "psycache_audit_events_total{kind=\"swap\"} 0",
        "psycache_ring_nodes 2",
        "psycache_ring_version 5",
        "psycache_registry_connected 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn each_family_is_described_once_and_before_its_samples() {
    let text = text();
    let mut family = "";
    let mut seen = Vec::new();
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            family = described.split(' ').next().unwrap();
            assert!(!seen.contains(&family), "{family} is described twice");
            seen.push(family);
        } else if !line.starts_with('#') {
            assert!(line.starts_with(family), "{line} stands under {family}");
        }
    }
    assert_eq!(seen.len(), 41);
}

#[test]
fn without_a_shadow_there_is_no_line_about_one() {
    let node = || NodeReading { shadows: Vec::new(), ..node() };
    let text = Metrics::new(node).text(Exposition::OpenMetrics);
    assert!(!text.contains("shadow"), "{text}");
}
