//! `psycache shadow` as an operator uses it.

use serde_json::Value;

use crate::harness::{ServedNode, ending, stderr, stdout};
use crate::museum::exhibits;
use crate::patience::seen_blocking;

fn shadows(node: &ServedNode, args: &[&str]) -> Value {
    let all = ["shadow"].iter().chain(args).chain(&["--json"]);
    serde_json::from_str(stdout(&node.run(all))).unwrap()
}

fn works(node: &ServedNode, args: &[&str]) -> String {
    let output = node.run(args);
    assert_eq!(ending(&output), (Some(0), ""), "{args:?}");
    stdout(&output).to_owned()
}

/// Asks for many keys, again and again, until the shadow is `done`.
fn ask_until(node: &ServedNode, done: impl Fn(&Value) -> bool) -> Value {
    seen_blocking(|| {
        for first in [0, 200, 400] {
            let keys: Vec<String> = (first..first + 200).map(|key| format!("k{key}")).collect();
            let words = ["get", "default", "--json"].into_iter();
            node.run(words.chain(keys.iter().map(String::as_str)));
        }
        let shadow = shadows(node, &["default"])[0].clone();
        let is_done = done(&shadow);
        if is_done { Ok(shadow) } else { Err(format!("{shadow:#}")) }
    })
}

/// A node whose group takes about 300 values of its source.
pub(super) fn node() -> (tempfile::TempDir, ServedNode) {
    node_with(&[])
}

/// The same with more arguments.
pub(super) fn node_with(args: &[&str]) -> (tempfile::TempDir, ServedNode) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a-hundred-bytes.wasm");
    std::fs::write(&source, exhibits::retriever("a-hundred-bytes")).unwrap();
    let source = source.to_str().unwrap();
    let own = ["--capacity", "64KiB", "--retriever", source];
    let node = ServedNode::start(&[&own, args].concat());
    (folder, node)
}

#[test]
fn a_shadow_tells_what_it_finds_out_until_it_is_stopped() {
    let (_folder, node) = node();
    let none = works(&node, &["shadow"]);
    assert!(none.starts_with("no shadow runs; psycache shadow GROUP --policy"), "{none}");

    let start =
        ["shadow", "default", "--policy", "lfu,lruk?k=3&history=2", "--capacity", "0.5x,2x"];
    let said = works(&node, &start);
    assert_eq!(said, "started for an hour; psycache shadow default shows what it finds out\n");
    let early = works(&node, &["shadow", "default"]);
    assert!(early.contains("not enough yet"), "{early}");

    let shadow = ask_until(&node, |shadow| shadow["rows"][3]["hit_ratio"].is_number());
    let rows = shadow["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["policy"].as_str().unwrap()).collect();
    assert_eq!(names, ["lfu", "lfu", "lruk?history=2&k=3", "lruk?history=2&k=3"]);
    assert!(rows.iter().all(|row| row["problem"].is_null() && row["error"] == 0.0), "{shadow:#}");
    assert_eq!(rows[1]["capacity_bytes"], 128 << 10);
    let left_ms = shadow["ends_in_ms"].as_u64().unwrap();
    assert!((3_000_000..3_600_000).contains(&left_ms), "{left_ms}");
    let text = works(&node, &["shadow"]);
    for words in
        ["group default: lru hits ", "POLICY", "lfu ", "0.5x", "32.0 KiB", "±0.0", "/s  running"]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }

    // Another one takes its place, and is kept.
    works(&node, &["shadow", "default", "--policy", "sieve", "--keep"]);
    let shadow = &shadows(&node, &[])[0];
    assert!(shadow["ends_in_ms"].is_null() && shadow["rows"][0]["policy"] != "lfu", "{shadow:#}");
    assert_eq!(works(&node, &["shadow", "default", "--stop"]), "stopped\n");
    assert_eq!(shadows(&node, &["default"]), serde_json::json!([]));
    let again = node.run(["shadow", "default", "--stop"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(stderr(&again).contains("group default has no shadow"), "{again:?}");
}

#[test]
fn a_candidate_that_traps_leaves_the_live_policy_alone() {
    let (folder, node) = node();
    let file = folder.path().join("trap-later.wasm");
    std::fs::write(&file, exhibits::policy("trap-later")).unwrap();
    let policies = format!("{},lfu", file.to_str().unwrap());
    works(&node, &["shadow", "default", "--policy", &policies]);
    let shadow = ask_until(&node, |shadow| shadow["rows"][1]["hit_ratio"].is_number());
    let problem = shadow["rows"][0]["problem"].as_str().unwrap();
    assert!(problem.contains("trapped"), "{problem}");
    assert!(shadow["rows"][0]["hit_ratio"].is_null(), "{shadow:#}");
    let text = works(&node, &["shadow"]);
    assert!(text.contains("failed") && text.contains("with 1x: trapped"), "{text}");

    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    let policy = &status["groups"][0]["policy"];
    assert_eq!((&policy["state"], &policy["failures"]), (&"running".into(), &0.into()));
}

#[test]
fn what_is_typed_wrong_is_told_with_a_mend() {
    let node = ServedNode::start(&[]);
    for (args, code, words) in [
        (&["--policy", "lru"][..], 2, "<GROUP>"),
        (&["nowhere"], 1, "no group \"nowhere\" on this node; it has default"),
        (&["nowhere", "--policy", "lru"], 1, "no group \"nowhere\""),
        (&["nowhere", "--stop"], 1, "no group \"nowhere\""),
        (&["--stop"], 2, "<GROUP>"),
        (&["default", "--stop", "--policy", "lru"], 2, "cannot be used with"),
        (&["default", "--keep"], 2, "--policy"),
        (&["default", "--capacity", "1x"], 2, "--policy"),
        (&["default", "--policy", "lru", "--capacity", "64MiB"], 2, "a multiple of the group's"),
        (&["default", "--policy", "lru", "--capacity", "0x"], 2, "from 0.01x to 100x"),
        (&["default", "--policy", "lru", "--capacity", "NaNx"], 2, "from 0.01x to 100x"),
        (&["default", "--policy", "lru", "--capacity", "1x,1x"], 2, "1x is given twice"),
        (&["default", "--policy", "lru,lru"], 2, "lru is given twice"),
        (&["default", "--policy", "lruu"], 1, "did you mean lru?"),
        (&["default", "--policy", "static"], 2, "it is a retriever"),
        (&["default", "--policy", "lru?k=2"], 2, "it has no option k"),
        (&["default", "--policy", "lruk?k"], 2, "invalid value 'lruk?k'"),
        (&["default", "--policy", "lruk?k=2&k=3"], 2, "the option k is given twice"),
        (&["default", "--policy", ""], 2, "name a built-in policy"),
        (&["default", "--policy", "none.wasm"], 1, "none.wasm"),
        (
            &["default", "--policy", "lru,lfu,fifo,sieve,twoq", "--capacity", "1x,2x,3x,4x"],
            2,
            "5 policies with 4 capacities are more than the 16 rows",
        ),
    ] {
        let all = ["shadow"].iter().chain(args);
        let output = node.run(all);
        let (ended, complaint) = ending(&output);
        assert_eq!(ended, Some(code), "{args:?}: {complaint}");
        assert!(complaint.contains(words), "{args:?}: {complaint}");
    }
    // None of these has started or ended anything.
    assert_eq!(shadows(&node, &[]), serde_json::json!([]));
}
