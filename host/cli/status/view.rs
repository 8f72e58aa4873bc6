//! `status` for people: the node, the cluster, the groups, and problems.

use std::time::Duration;

use crate::cli::output::{Screen, escaped};
use crate::cli::status::report::{Group, Node, Plugin, Report};
use crate::cli::table::{self, Cell, Side};
use crate::words::{bytes, percent};

pub(in crate::cli) const NODES: [(&str, Side); 5] = [
    ("NODE", Side::Left),
    ("STATE", Side::Left),
    ("WEIGHT", Side::Right),
    ("SHARE", Side::Right),
    ("OF THE RING", Side::Left),
];

/// The width of the bar of the node with the largest share.
const LONGEST_BAR: usize = 20;

const GROUPS: [(&str, Side); 9] = [
    ("GROUP", Side::Left),
    ("POLICY", Side::Left),
    ("STATE", Side::Left),
    ("RETRIEVER", Side::Left),
    ("ENTRIES", Side::Right),
    ("BYTES", Side::Right),
    ("CAPACITY", Side::Right),
    ("HIT RATIO", Side::Right),
    ("EVICTIONS", Side::Right),
];

/// The node in a sentence.
pub(in crate::cli) fn head(report: &Report) -> String {
    let ready = if report.ready { "ready" } else { "not ready" };
    // Parts of a second are noise after the first one.
    let uptime = Duration::from_secs(report.uptime_ms / 1000);
    format!(
        "{} {ready}, version {}, up {}, registry {}{}, {}, ring version {}",
        report.address,
        report.version,
        humantime::format_duration(uptime),
        report.registry.kind,
        if report.registry.connected || report.registry.kind == "none" {
            ""
        } else {
            " (not connected)"
        },
        match report.registry.state.as_str() {
            "holds" => "holds its keys",
            state => state,
        },
        report.ring_version,
    )
}

/// The text of a report.
pub(super) fn render(report: &Report, screen: Screen) -> String {
    let mut text = escaped(&head(report)) + "\n\n";
    text += &table::render(&NODES, &nodes(report), screen);
    text.push('\n');
    let groups: Vec<_> = report.groups.iter().map(group).collect();
    text += &table::render(&GROUPS, &groups, screen);
    let choices: Vec<String> = report.groups.iter().filter_map(choice).collect();
    for sentences in [choices, problems(report)].iter().filter(|all| !all.is_empty()) {
        text.push('\n');
        for sentence in sentences {
            text += &(escaped(sentence) + "\n");
        }
    }
    text
}

/// The rows of the table of nodes.
pub(in crate::cli) fn nodes(report: &Report) -> Vec<Vec<Cell>> {
    let largest = report.nodes.iter().map(|node| node.share).fold(0.0, f64::max);
    report.nodes.iter().map(|of| node(of, largest)).collect()
}

fn node(node: &Node, largest: f64) -> Vec<Cell> {
    vec![
        Cell::new(&node.address),
        Cell::state(&node.state, matches!(node.state.as_str(), "self" | "connected" | "idle")),
        Cell::new(node.weight.to_string()),
        Cell::new(percent(Some(node.share))),
        Cell::new(bar(node.share, largest)),
    ]
}

/// In eighths of a cell, so that the few per cent between equal nodes can be seen.
fn bar(share: f64, largest: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if largest <= 0.0 {
        return String::new();
    }
    let eighths = (share / largest * (LONGEST_BAR * 8) as f64).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

fn group(group: &Group) -> Vec<Cell> {
    let state = group.policy.as_ref().map_or("", |policy| &policy.state);
    vec![
        Cell::new(&group.name),
        Cell::new(group.policy.as_ref().map_or("-", |policy| &policy.name)),
        Cell::state(state, state == "running"),
        Cell::new(group.retriever.as_ref().map_or("-", |retriever| &retriever.name)),
        Cell::new(group.entries.to_string()),
        Cell::new(bytes(group.bytes)),
        Cell::new(bytes(group.capacity_bytes)),
        Cell::new(group.hit_ratio.map_or_else(|| "-".into(), |ratio| percent(Some(ratio)))),
        Cell::new(group.evictions.to_string()),
    ]
}

/// Why a group has its policy, where the node chose it.
fn choice(group: &Group) -> Option<String> {
    let (policy, choice) = (group.policy.as_ref()?, group.policy_choice.as_ref()?);
    Some(format!("group {}: the node chose {}: {choice}", group.name, policy.name))
}

/// What an operator should look at, in a sentence each.
pub(in crate::cli) fn problems(report: &Report) -> Vec<String> {
    let registry = report.registry.problem.iter().map(|problem| format!("registry: {problem}"));
    let of = |group: &Group, what: &str, plugin: &Option<Plugin>| {
        let plugin = plugin.as_ref()?;
        let problem = plugin.problem.as_ref()?;
        Some(format!("group {}: {what} {} is {}: {problem}", group.name, plugin.name, plugin.state))
    };
    let plugins = report
        .groups
        .iter()
        .flat_map(|group| {
            [of(group, "policy", &group.policy), of(group, "retriever", &group.retriever)]
        })
        .flatten();
    let missing = report.groups.iter().filter(|group| !group.missing_on.is_empty()).map(|group| {
        let (name, nodes) = (&group.name, group.missing_on.join(", "));
        format!(
            "group {name}: not on {nodes}, so sets of keys that it owns fail; add the group there"
        )
    });
    let unreachable = report.nodes.iter().filter_map(|node| {
        let problem = node.problem.as_ref()?;
        Some(format!("node {}: {problem}", node.address))
    });
    let insecure = (report.security == "insecure").then(|| {
        "the node is insecure: every machine that reaches its ports may change everything".into()
    });
    let waiting = report.groups.iter().filter_map(|group| {
        let source = group.source.as_ref().filter(|source| source.waiting > 0)?;
        let (name, waiting, places) = (&group.name, source.waiting, source.places);
        Some(format!("group {name}: {waiting} loads wait for one of {places} places at the source"))
    });
    let rest = waiting.chain(insecure);
    registry.chain(unreachable).chain(missing).chain(plugins).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto;

    #[test]
    fn a_report_shows_what_is_wrong() {
        let report = Report::from(proto::StatusResponse {
            version: "0.1.0".into(),
            address: "127.0.0.1:7400".into(),
            uptime_ms: 61_500,
            ready: true,
            ring_version: 2,
            security: "loopback".into(),
            registry: Some(proto::RegistryStatus {
                kind: "etcd".into(),
                connected: false,
                problem: "connection refused".into(),
                state: "uncertain".into(),
                ignored_keys: 0,
            }),
            nodes: vec![
                proto::NodeStatus {
                    address: "127.0.0.1:7400".into(),
                    weight: 2,
                    share: 0.68,
                    state: "self".into(),
                    problem: String::new(),
                    clients: String::new(),
                },
                proto::NodeStatus {
                    address: "127.0.0.1:7402".into(),
                    weight: 1,
                    share: 0.32,
                    state: "unreachable".into(),
                    problem: "Connection refused".into(),
                    clients: String::new(),
                },
            ],
            groups: vec![proto::GroupStatus {
                name: "scores".into(),
                entries: 3,
                bytes: 1536,
                capacity_bytes: 64 << 20,
                hits: 3,
                misses: 1,
                policy: Some(proto::PluginStatus {
                    name: "lru".into(),
                    state: "fallback".into(),
                    problem: "trapped".into(),
                    ..Default::default()
                }),
                source: Some(proto::SourceStatus { places: 8, waiting: 3, ..Default::default() }),
                ..Default::default()
            }],
        });
        let expected = "\
127.0.0.1:7400 ready, version 0.1.0, up 1m 1s, registry etcd (not connected), uncertain, ring version 2

NODE            STATE        WEIGHT  SHARE  OF THE RING
127.0.0.1:7400  self              2  68.0%  ████████████████████
127.0.0.1:7402  unreachable       1  32.0%  █████████▍

GROUP   POLICY  STATE     RETRIEVER  ENTRIES    BYTES  CAPACITY  HIT RATIO  EVICTIONS
scores  lru     fallback  -                3  1.5 KiB  64.0 MiB      75.0%          0

registry: connection refused
node 127.0.0.1:7402: Connection refused
group scores: policy lru is fallback: trapped
group scores: 3 loads wait for one of 8 places at the source
";
        assert_eq!(render(&report, Screen::default()), expected);
    }
}
