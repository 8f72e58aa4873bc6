//! `status --json` keeps the shape that scripts depend on.

use serde_json::Value;

use crate::harness::{ServedNode, stdout};

/// Keys may be added here. One that goes away or gets another type breaks a script.
const SHAPE: &str = "\
address: string
groups[].bytes: number
groups[].capacity_bytes: number
groups[].entries: number
groups[].evictions: number
groups[].expirations: number
groups[].hit_ratio: number
groups[].hits: number
groups[].loads: number
groups[].max_entries: number
groups[].misses: number
groups[].name: string
groups[].policy.failures: number
groups[].policy.name: string
groups[].policy.problem: null
groups[].policy.sha256: string
groups[].policy.state: string
groups[].policy_choice: null
groups[].retriever.failures: number
groups[].retriever.name: string
groups[].retriever.problem: null
groups[].retriever.sha256: string
groups[].retriever.state: string
groups[].source.idle_instances: number
groups[].source.places: number
groups[].source.running: number
groups[].source.waiting: number
nodes[].address: string
nodes[].problem: null
nodes[].share: number
nodes[].state: string
nodes[].weight: number
ready: bool
registry.connected: bool
registry.ignored_keys: number
registry.kind: string
registry.problem: null
registry.state: string
ring_version: number
security: string
uptime_ms: number
version: string
";

/// A line for each value that is no object and no list: its path and its type.
fn shape(path: &str, value: &Value, lines: &mut Vec<String>) {
    let kind = match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                shape(&format!("{path}{dot}{name}"), field, lines);
            }
            return;
        }
        Value::Array(items) => {
            items.iter().for_each(|item| shape(&format!("{path}[]"), item, lines));
            return;
        }
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
    };
    lines.push(format!("{path}: {kind}\n"));
}

#[test]
fn it_has_every_key_with_its_type() {
    let node = ServedNode::start(&["--retriever", "static"]);
    node.run(["get", "default", "Tom"]);
    let status = node.run(["status", "--json"]);
    let status = serde_json::from_str(stdout(&status)).unwrap();
    let mut lines = Vec::new();
    shape("", &status, &mut lines);
    lines.sort();
    assert_eq!(lines.concat(), SHAPE);

    // The same keys are promised in the help.
    let help = node.run(["status", "--help"]);
    let help: String = stdout(&help).split_whitespace().collect();
    for line in SHAPE.lines() {
        let path = line.split(':').next().unwrap();
        let key = path.rsplit('.').next().unwrap();
        assert!(help.contains(key), "no {key} in {help}");
    }
}
