//! A node whose settings change while it runs.

use std::fs;
use std::path::Path;

use psycache::client::{Client, ClientConfig};
use serde_json::{Value, json};

use crate::harness::{ServedNode, ending, psycache_command, stderr, stdout};
use crate::metrics::scrape::Scrape;
use crate::patience::seen_blocking;

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
    let wanted = settings("2MiB", "1m", "{\"Jack\": \"2\"}");
    fs::write(&file, wanted.replace("'127.0.0.1:0'", "'127.0.0.1:1'")).unwrap();
    node.signal("HUP");
    seen_blocking(|| match ttl_ms(&node) {
        Some(ms) if ms <= 60_000 => Ok(()),
        longer => Err(format!("a time to live of {longer:?} ms")),
    });
    assert_eq!(value(&node, "Jack"), "2");
    assert_eq!(value(&node, "Tom"), "1", "what is cached stays");

    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{status}\n{log}");
    let told = |part: &str| assert!(log.contains(part), "no {part:?} in\n{log}");
    told("Reloaded the settings");
    told("group scores: retriever, group scores: ttl, group scores: capacity");
    told("Restart the node");
    told("listen");
}

fn group(node: &ServedNode) -> Value {
    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    status["groups"][0].clone()
}

/// Evictions that the policy chose, and those that the node chose.
async fn evictions(node: &ServedNode) -> [f64; 2] {
    let scrape = Scrape::of(node).await;
    let of = |reason| {
        scrape.value("psycache_evictions_total", &[("group", "scores"), ("reason", reason)])
    };
    [of("policy"), of("fallback")]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_changes_the_capacity_of_a_group_that_serves() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("node.toml");
    let settings = |capacity, more: &str| {
        let http = "http = 'none'";
        settings(capacity, "1h", "{}").replace(http, "http = '127.0.0.1:0'") + more
    };
    fs::write(&file, settings("4MiB", "policy = 'lruk'\nmax-entries = 1000\n")).unwrap();
    let node = node(&file);
    let client = Client::connect(ClientConfig::list([node.address()])).await.unwrap();
    let fill = async |from: u32, to: u32| {
        let entries: Vec<_> = (from..to).map(|key| (key.to_string(), vec![7; 10_000])).collect();
        let set = client.set_many("scores", &entries, None).await.unwrap();
        assert!(set.iter().all(Result::is_ok), "{set:?}");
    };
    fill(0, 300).await;
    assert_eq!(group(&node)["entries"], 300);

    // Lower: the policy evicts what is more.
    fs::write(&file, settings("1MiB", "policy = 'lruk'\nmax-entries = 1000\n")).unwrap();
    let printed = node.run(["reload"]);
    assert_eq!(ending(&printed), (Some(0), ""));
    assert_eq!(stdout(&printed), "changed group scores: capacity\n");
    let small = group(&node);
    assert_eq!(small["capacity_bytes"], 1 << 20);
    assert!(small["bytes"].as_u64().is_some_and(|bytes| bytes <= 1 << 20), "{small}");
    assert_eq!(small["policy"]["state"], "running");
    let [by_policy, by_node] = evictions(&node).await;
    assert!(by_policy >= 190.0 && by_node < by_policy, "{by_policy} and {by_node}");

    // Higher, and more entries than there were slots for at the start.
    fs::write(&file, settings("64MiB", "policy = 'fifo'\nmax-entries = 5000\n")).unwrap();
    let told: Value = serde_json::from_str(stdout(&node.run(["reload", "--json"]))).unwrap();
    let changed = ["group scores: capacity", "group scores: max-entries"];
    assert_eq!(told, json!({ "changed": changed, "needs_restart": ["group scores: policy"] }));
    let before = evictions(&node).await;
    for part in 1..5 {
        fill(1_000 * part, 1_000 * part + 1_000).await;
    }
    assert!(group(&node)["entries"].as_u64().is_some_and(|entries| entries >= 4_000));
    assert_eq!(evictions(&node).await, before, "there is room for all");
    assert!(node.run(["policy", "swap", "scores", "lru"]).status.success());

    // A mistake changes nothing, and is told to who asked.
    fs::write(&file, settings("0B", "")).unwrap();
    let refused = node.run(["reload"]);
    let text = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{text}");
    assert!(text.contains("capacity") && text.contains("nothing was changed"), "{text}");
    assert_eq!(group(&node)["capacity_bytes"], 64 << 20);
}
