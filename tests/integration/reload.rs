//! A node whose settings change while it runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{ServedNode, psycache_command, stdout};

/// A test that waits so long has failed.
const DEADLINE: Duration = Duration::from_secs(30);

fn node(file: &Path) -> ServedNode {
    let file = file.to_str().unwrap();
    ServedNode::spawn(psycache_command(["serve", "--config", file]))
}

/// The rest of the time to live of a key that is set now.
fn ttl_ms(node: &ServedNode) -> Option<u64> {
    assert!(node.run(["set", "scores", "Ada", "815"]).status.success());
    let answer: Value =
        serde_json::from_str(stdout(&node.run(["get", "scores", "Ada", "--json"]))).unwrap();
    let answer = answer.as_array().map_or(answer.clone(), |answers| answers[0].clone());
    answer["ttl_ms"].as_u64()
}

fn value(node: &ServedNode, key: &str) -> String {
    stdout(&node.run(["get", "scores", key])).to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
    }
}

fn settings(capacity: &str, ttl: &str, data: &str) -> String {
    format!(
        "listen = '127.0.0.1:0'\nhttp = 'none'\ntelemetry.log = 'info'\n[[group]]\nname = 'scores'\n\
         capacity = '{capacity}'\nttl = '{ttl}'\nttl-jitter = '0%'\n\
         retriever = {{ plugin = 'static', options = {{ data = '{data}' }} }}\n"
    )
}

#[test]
fn a_hang_up_applies_what_can_be_and_says_what_cannot() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("node.toml");
    fs::write(&file, settings("1MiB", "1h", "{\"Tom\": \"1\"}")).unwrap();
    let node = node(&file);
    assert!(ttl_ms(&node).is_some_and(|ms| ms > 60_000));
    assert_eq!(value(&node, "Tom"), "1");

    // A file with a mistake changes nothing and ends nothing.
    fs::write(&file, "ttl = 'for ever'\n").unwrap();
    node.signal("HUP");
    fs::write(&file, settings("2MiB", "1m", "{\"Jack\": \"2\"}")).unwrap();
    node.signal("HUP");
    until("a shorter time to live", || ttl_ms(&node).is_some_and(|ms| ms <= 60_000));
    assert_eq!(value(&node, "Jack"), "2");
    assert_eq!(value(&node, "Tom"), "1", "what is cached stays");

    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{status}\n{log}");
    let told = |part: &str| assert!(log.contains(part), "no {part:?} in\n{log}");
    told("Reloaded the settings");
    told("group scores: retriever, group scores: ttl");
    told("Restart the node");
    told("group scores: capacity");
}
