//! `policy = "auto"`: a node that chooses the policy of a group by itself.

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt};
use psycache::config::{AutoPolicy, Config, Group, Plugin, PolicyChoice, RetrieverChoice};
use psycache::node::Node;
use psycache::retriever::{FetchError, Fetched, Retriever};
use psycache::store::ENTRY_OVERHEAD;
use serde_json::Value;

use super::operator::node_with;
use super::traffic::{Ending, Traffic};
use crate::harness::{ServedNode, ending, psycache, stderr, stdout};
use crate::museum::exhibits;
use crate::patience::{PATIENCE, seen_blocking};
use crate::server::page;

const ENTRIES: u64 = 2_048;
const VALUE: &[u8] = &[b'v'; 20];
const KEY_BYTES: u64 = 10;
const CANDIDATES: [&str; 4] = ["fifo", "lru", "lfu", "sieve"];

/// Number of gets whose hit ratio is compared, and of gets before them, which the node and `sim`
/// answer alike.
const COUNTED: u64 = 60_000;
const WARMUP: u64 = 60_000;

struct Values;

impl Retriever for Values {
    fn name(&self) -> &str {
        "values"
    }

    fn fetch<'a>(
        &'a self,
        _key: &'a str,
        _within: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async { Ok(Some(Fetched::new(VALUE, None))) }.boxed()
    }
}

/// Favourites, and beside each a pass over many keys that are not asked for again soon.
fn key(at: u64) -> String {
    let mixed = (at + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let uniform = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    match at % 2 {
        0 => format!("s-{:08}", at / 2 % 30_000),
        _ => format!("k-{:08}", 20_000_f64.powf(uniform) as u64),
    }
}

/// The best hit ratio of a candidate by `sim`, of the gets before `end`.
fn best_by_sim(end: u64) -> (String, f64) {
    let mut trace = String::new();
    (end - COUNTED - WARMUP..end).for_each(|at| writeln!(trace, "{}", key(at)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace");
    fs::write(&file, trace).unwrap();
    let (file, policies) = (file.to_str().unwrap(), CANDIDATES.join(","));
    let (capacity, warmup) = (ENTRIES.to_string(), WARMUP.to_string());
    let args = ["sim", file, "--policy", &policies, "--capacity", &capacity, "--warmup", &warmup];
    let output = psycache(args.iter().chain(&["--output", "json"]));
    assert_eq!(ending(&output), (Some(0), ""));
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    let rows = report[0]["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| {
        (row["policy"].as_str().unwrap().to_owned(), row["hit_ratio"].as_f64().unwrap())
    });
    rows.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_began_with_fifo_ends_with_the_best_candidate() {
    let mut group = Group::new("scores");
    group.retriever = Some(RetrieverChoice::native(Values));
    group.store.capacity_bytes = ENTRIES * (ENTRY_OVERHEAD + KEY_BYTES + VALUE.len() as u64);
    let mut auto = AutoPolicy::among(CANDIDATES.map(Plugin::new).into());
    auto.span = Duration::from_secs(1);
    group.policy = PolicyChoice::Auto(auto);
    let mut config = Config::default();
    (config.listen, config.http, config.groups) = ("127.0.0.1:0".into(), None, vec![group]);
    let node = Node::start(config).await.unwrap();
    let scores = node.group("scores").unwrap();
    let group = node.groups().find("scores").unwrap();
    let policy = || group.parts().worker.status().policy;
    assert_eq!(policy(), "fifo");
    assert_eq!(group.choice().reason(), "fifo is the first candidate");

    let deadline = Instant::now() + PATIENCE;
    let mut at = 0;
    // Until it has changed, and the next look has found nothing better.
    while policy() == "fifo" || !group.choice().reason().ends_with("so it stays") {
        assert!(Instant::now() < deadline, "{}: {}", policy(), group.choice().reason());
        for _ in 0..1_000 {
            scores.get(&key(at)).await.unwrap();
            at += 1;
        }
    }
    // On a slow machine few gets came since the change, and the cache is not yet what the policy
    // makes of it.
    for _ in 0..WARMUP {
        scores.get(&key(at)).await.unwrap();
        at += 1;
    }
    let [found_before, all_before] = group.counters().snapshot().lookups;
    for _ in 0..COUNTED {
        scores.get(&key(at)).await.unwrap();
        at += 1;
    }
    let [found, all] = group.counters().snapshot().lookups;
    let live = (found - found_before) as f64 / (all - all_before) as f64;
    let (best, ratio) = tokio::task::spawn_blocking(move || best_by_sim(at)).await.unwrap();
    let changes = group.choice().changes();
    eprintln!("{} {live:.4}; by sim {best} {ratio:.4}; {changes:?}", policy());
    assert!(live > ratio - 0.005, "{} hits {live}, {best} would hit {ratio}", policy());
    assert!((1..=2).contains(&changes.iter().map(|(_, count)| count).sum::<u64>()), "{changes:?}");
    // A node that stops does not wait for a trial.
    node.shutdown().await;
}

fn group(node: &ServedNode) -> Value {
    let status: Value = serde_json::from_str(stdout(&node.run(["status", "--json"]))).unwrap();
    status["groups"][0].clone()
}

#[test]
fn the_choice_is_told_and_a_candidate_that_traps_is_out_of_the_race() {
    let folder = tempfile::tempdir().unwrap();
    let trap = folder.path().join("trap-later.wasm");
    fs::write(&trap, exhibits::policy("trap-later")).unwrap();
    let candidates = format!("candidates=fifo,{},lfu", trap.to_str().unwrap());
    let policy = ["--policy", "auto", "--policy-opt", &candidates, "--policy-opt", "for=1s"];
    let (_source, node) = node_with(&policy);
    let traffic = Traffic::to(&node);
    std::thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let status = seen_blocking(|| {
            let group = group(&node);
            let is_chosen = group["policy"]["name"] == "lfu";
            if is_chosen { Ok(group) } else { Err(group.to_string()) }
        });
        let why = status["policy_choice"].as_str().unwrap();
        let words = ["lfu in place of fifo", "lfu would hit ", "and with fifo it would hit "];
        assert!(words.iter().any(|word| why.contains(word)), "{why}");
        let text = node.run(["status"]);
        assert!(stdout(&text).contains("group default: the node chose "), "{text:?}");

        // An operator does not swap what the node chooses.
        for more in [&[][..], &["--if-better", "1pp"]] {
            let refused = node.run(["policy", "swap", "default", "lru"].iter().chain(more));
            assert_eq!(refused.status.code(), Some(2), "{refused:?}");
            let words = "the node chooses the policy of this group (policy \"auto\")";
            assert!(stderr(&refused).contains(words), "{refused:?}");
        }
    });
    let http = node.told("http").parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_, page) = runtime.block_on(page(http, "/metrics"));
    let counted = "psycache_policy_auto_changes_total{group=\"default\",reason=\"better\"} ";
    assert!(page.contains(counted), "{page}");
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert!(status.success(), "{log}");
    let words = ["A candidate of the policy auto failed", "trap-later.wasm failed beside fifo"];
    assert!(words.iter().all(|word| log.contains(word)), "{log}");
    assert!(log.contains("The node changed the policy"), "{log}");
    // The trial that was under way is not undone.
    assert!(!log.contains("could not be brought back"), "{log}");
}

#[test]
fn a_policy_that_fails_too_often_is_replaced_by_the_next_candidate() {
    let folder = tempfile::tempdir().unwrap();
    let trap = folder.path().join("trap-later.wasm");
    fs::write(&trap, exhibits::policy("trap-later")).unwrap();
    let candidates = format!("candidates={},lfu", trap.to_str().unwrap());
    // No trial ends in this time.
    let policy = ["--policy", "auto", "--policy-opt", &candidates, "--policy-opt", "for=1h"];
    let (_source, node) = node_with(&policy);
    let traffic = Traffic::to(&node);
    std::thread::scope(|scope| {
        scope.spawn(|| traffic.run());
        let _ending = Ending(&traffic);
        let status = seen_blocking(|| {
            let group = group(&node);
            let is_last = group["policy_choice"] == "lfu stays: all other candidates failed";
            if is_last { Ok(group) } else { Err(group.to_string()) }
        });
        assert_eq!(status["policy"]["name"], "lfu");
        assert_eq!(status["policy"]["state"], "running");
    });
    node.signal("TERM");
    let (_, _, log) = node.ended();
    assert!(log.contains("trap-later.wasm failed too often: lfu in its place"), "{log}");
}

#[test]
fn a_reload_leaves_the_choice_to_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let config = |capacity: &str, candidates: &str| {
        let policy =
            format!("{{ plugin = \"auto\", options = {{ candidates = \"{candidates}\" }} }}");
        fs::write(
            &file,
            format!("[[group]]\nname = \"a\"\ncapacity = \"{capacity}\"\npolicy = {policy}\n"),
        )
        .unwrap();
    };
    config("1MiB", "sieve,lfu");
    let node = ServedNode::start(&["--config", file.to_str().unwrap()]);
    assert_eq!(group(&node)["policy_choice"], "sieve is the first candidate");
    config("2MiB", "sieve,lfu");
    let reloaded = node.run(["reload"]);
    assert_eq!(ending(&reloaded), (Some(0), ""));
    assert!(!stdout(&reloaded).contains("policy"), "{reloaded:?}");
    let after = group(&node);
    assert_eq!(
        (&after["capacity_bytes"], &after["policy"]["name"]),
        (&(2 << 20).into(), &"sieve".into())
    );
    config("2MiB", "sieve,lru");
    let reloaded = node.run(["reload"]);
    assert!(stdout(&reloaded).contains("group a: policy"), "{reloaded:?}");
}

#[test]
fn what_is_written_wrong_is_told_with_a_mend() {
    for (options, words) in [
        (&["candidates=lru"][..], "name two policies or more"),
        (&["candidates=lru,nothing"], "there is no plugin \"nothing\""),
        (&["candidates=lru,static"], "it is a retriever"),
        (&["candidates=lru?k=2,lfu"], "it has no option k"),
        (&["if-better=1"], "such as 1pp"),
        (&["for=1ms"], "from 1s to 7days"),
        (&["k=2"], "it has candidates, if-better and for"),
    ] {
        let mut args =
            vec!["serve", "--listen", "127.0.0.1:0", "--http", "none", "--policy", "auto"];
        args.extend(options.iter().flat_map(|option| ["--policy-opt", option]));
        let output = psycache(&args);
        assert_ne!(output.status.code(), Some(0), "{options:?}");
        assert!(stderr(&output).contains(words), "{options:?}: {}", stderr(&output));
    }
}
