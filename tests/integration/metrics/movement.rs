//! Each metric moves in the direction that its name says when its event happens.

use super::scrape::Scrape;
use crate::harness::{ServedNode, ending};
use crate::museum::exhibits;
use crate::patience::seen;

/// What a metric does between two scrapes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moves {
    Up,
    Down,
    /// To any other value, as a version does that is a digest.
    Elsewhere,
}
use Moves::{Down, Up};

pub(crate) type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], Moves);

/// Runs `event`, perhaps again and again, until all moved that should.
pub(crate) async fn assert_moves(node: &ServedNode, event: impl Fn(), expected: &[Expected<'_>]) {
    let before = Scrape::of(node).await;
    seen(async || {
        event();
        let after = Scrape::of(node).await;
        let stuck: Vec<_> = expected
            .iter()
            .filter(|(name, labels, moves)| {
                let (was, is) = (before.value(name, labels), after.value(name, labels));
                !match moves {
                    Up => is > was,
                    Down => is < was,
                    Moves::Elsewhere => is != was,
                }
            })
            .collect();
        stuck.is_empty().then_some(()).ok_or_else(|| format!("{stuck:?} in\n{}", after.text))
    })
    .await;
}

fn keys() -> Vec<String> {
    (0..20).map(|n| format!("k{n}")).collect()
}

fn get(node: &ServedNode, keys: &[String]) {
    let words = ["get", "default", "--json"].into_iter().chain(keys.iter().map(String::as_str));
    node.run(words);
}

fn run(node: &ServedNode, words: &[&str]) {
    let output = node.run(words);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {:?}", ending(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_move_their_metrics() {
    let data: Vec<String> = keys().iter().map(|key| format!("\"{key}\":\"v\"")).collect();
    let data = format!("--retriever-opt=data={{{}}}", data.join(","));
    let [node, other] = ServedNode::pair(&["--retriever=static", &data, "--capacity=1MiB"]);
    let group = ("group", "default");
    let result = |result| [group, ("result", result)];
    let (miss, hit, peer) = (result("miss"), result("hit"), result("peer"));
    let (negative, error) = (result("negative"), result("error"));
    let load = |outcome| [group, ("source", "retriever"), ("outcome", outcome)];
    let (found, absent) = (load("found"), load("not-found"));
    let asked = |outcome| [("peer", other.address()), ("outcome", outcome)];

    assert_moves(
        &node,
        || get(&node, &keys()),
        &[
            ("psycache_gets_total", &miss, Up),
            ("psycache_gets_total", &peer, Up),
            ("psycache_loads_total", &found, Up),
            ("psycache_load_seconds_count", &[group, ("source", "retriever")], Up),
            ("psycache_load_seconds_sum", &[group, ("source", "retriever")], Up),
            ("psycache_peer_requests_total", &asked("ok"), Up),
            ("psycache_entries", &[group], Up),
            ("psycache_bytes", &[group], Up),
        ],
    )
    .await;
    let one_by_one = || keys().iter().for_each(|key| drop(node.run(["get", "default", key])));
    assert_moves(
        &node,
        one_by_one,
        &[
            ("psycache_gets_total", &hit, Up),
            ("psycache_get_seconds_count", &hit, Up),
            ("psycache_get_seconds_sum", &hit, Up),
            ("psycache_get_seconds_count", &peer, Up),
        ],
    )
    .await;
    let nobody: Vec<String> = (0..20).map(|n| format!("nobody{n}")).collect();
    assert_moves(
        &node,
        || nobody.iter().for_each(|key| drop(node.run(["get", "default", key]))),
        &[
            ("psycache_gets_total", &negative, Up),
            ("psycache_loads_total", &absent, Up),
            ("psycache_peer_requests_total", &asked("not-found"), Up),
        ],
    )
    .await;
    let bad_key = || drop(node.run(["get", "default", ""]));
    let failed: [Expected<'_>; 2] =
        [("psycache_gets_total", &error, Up), ("psycache_get_seconds_count", &error, Up)];
    assert_moves(&node, bad_key, &failed).await;
    let remove = || keys().iter().for_each(|key| run(&node, &["remove", "default", key]));
    assert_moves(
        &node,
        remove,
        &[
            ("psycache_evictions_total", &[group, ("reason", "removed")], Up),
            ("psycache_entries", &[group], Down),
            ("psycache_bytes", &[group], Down),
        ],
    )
    .await;

    let lost = asked("unreachable");
    other.signal("KILL");
    let unreachable: Expected<'_> = ("psycache_peer_requests_total", &lost, Up);
    assert_moves(&node, || get(&node, &keys()), &[unreachable]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_moves_its_metrics() {
    let node = ServedNode::start(&["--capacity", "64KiB"]);
    let group = ("group", "default");
    let briefly = || run(&node, &["set", "default", "brief", "1", "--ttl", "1ms"]);
    let expired: Expected<'_> = ("psycache_evictions_total", &[group, ("reason", "expired")], Up);
    assert_moves(&node, briefly, &[expired]).await;

    let value = "x".repeat(20_000);
    let fill = || {
        for n in 0..5 {
            run(&node, &["set", "default", &format!("large{n}"), &value]);
        }
    };
    assert_moves(
        &node,
        fill,
        &[
            ("psycache_evictions_total", &[group, ("reason", "policy")], Up),
            ("psycache_policy_step_seconds_count", &[group], Up),
            ("psycache_policy_step_seconds_sum", &[group], Up),
        ],
    )
    .await;
    let full = Scrape::of(&node).await;
    let capacity = full.value("psycache_capacity_bytes", &[group]);
    assert_eq!(capacity, 65_536.0);
    assert!(full.value("psycache_bytes", &[group]) <= capacity);

    let policy = |name| [group, ("policy", name), ("state", "running")];
    assert_moves(
        &node,
        || run(&node, &["policy", "swap", "default", "lfu"]),
        &[
            ("psycache_policy_info", &policy("lru"), Down),
            ("psycache_policy_info", &policy("lfu"), Up),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_fails_moves_its_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trap-later.wasm");
    std::fs::write(&file, exhibits::policy("trap-later")).unwrap();
    let node = ServedNode::start(&["--capacity", "64KiB", "--max-value", "32KiB"]);
    let file = file.to_str().unwrap();
    run(&node, &["policy", "swap", "default", file]);

    let group = ("group", "default");
    let value = "x".repeat(20_000);
    let fill = || {
        for n in 0..5 {
            run(&node, &["set", "default", &format!("large{n}"), &value]);
        }
    };
    let policy = |state| [group, ("policy", file), ("state", state)];
    assert_moves(
        &node,
        fill,
        &[
            ("psycache_policy_failures_total", &[group, ("kind", "trap")], Up),
            ("psycache_evictions_total", &[group, ("reason", "fallback")], Up),
            ("psycache_policy_info", &policy("running"), Down),
            ("psycache_policy_info", &policy("fallback"), Up),
        ],
    )
    .await;
}
