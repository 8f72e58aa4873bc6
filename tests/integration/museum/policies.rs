//! Each hostile policy is swapped into a full group under load.

use super::exhibits;
use super::load::Clients;
use super::operator::Operator;
use super::{proc_status, rounds};
use crate::harness::ServedNode;
use crate::patience::until;

const KEYS: u64 = 6_000;

/// What becomes of an exhibit.
enum Fate {
    /// The swap is refused with these words, and changes nothing.
    Refused(&'static str),
    /// It decides from then on; what it says is taken for what it is.
    Obeyed,
    /// It fails again and again, until the node decides by itself.
    GivenUp(&'static str),
}

use Fate::{GivenUp, Obeyed, Refused};

const FATES: [(&str, Fate); 37] = [
    ("allocate-for-ever", GivenUp("bytes of memory")),
    ("asks-for-everything", Obeyed),
    ("believes-touches", Obeyed),
    ("deep-recursion", GivenUp("stack")),
    ("endless-list", GivenUp("trapped")),
    ("every-slot", Obeyed),
    ("everything", Obeyed),
    ("evicts-all-at-once", Obeyed),
    ("first-touch-only", Obeyed),
    ("fixed-stride", Obeyed),
    ("forges-snapshots", Obeyed),
    ("forgets-overwrites", Obeyed),
    ("ghosts-for-ever", Obeyed),
    ("hoards-handles", GivenUp("trapped")),
    ("just-removed", Obeyed),
    ("large-records", Obeyed),
    ("lies-in-introspect", Obeyed),
    ("log-flood", Obeyed),
    ("loop-in-configure", Refused("failed while it was set up: it ran longer than 2000 ms")),
    ("loop-in-start", Refused("failed while it was set up: it ran longer than 2000 ms")),
    ("loop-in-step", Refused("failed in its first steps: it ran longer than 100 ms")),
    ("loop-later", GivenUp("ran longer than 100 ms")),
    ("memory-at-once", Refused("wanted more than")),
    ("never-admitted", Obeyed),
    ("newest-only", Obeyed),
    ("no-slot", Obeyed),
    ("no-such-slot", Obeyed),
    ("one-at-a-time", Obeyed),
    ("one-too-many", Refused("where at most 256 were allowed")),
    ("reads-the-clock", Obeyed),
    ("removes-last", Obeyed),
    ("same-slot-twice", Obeyed),
    ("searches-in-a-scan", Obeyed),
    ("slow", Obeyed),
    ("takes-any-option", Obeyed),
    ("trap-in-step", Refused("failed in its first steps: it trapped")),
    ("trap-later", GivenUp("trapped")),
];

/// A node with the full group `full`, whose source knows every key.
fn node(folder: &std::path::Path) -> ServedNode {
    let source = folder.join("a-hundred-bytes.wasm");
    std::fs::write(&source, exhibits::retriever("a-hundred-bytes")).unwrap();
    let source = source.to_str().unwrap();
    ServedNode::start(&["--group", "full", "--capacity", "256KiB", "--retriever", source])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_policy_fails_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let mut operator = Operator::of(node.address(), "full").await;
    let clients = Clients::start(node.address(), "full", KEYS).await;
    clients.answered(2 * KEYS).await;
    let mut resident_kib = Vec::new();
    let rounds = rounds("MUSEUM_ROUNDS", 1);
    for _ in 0..rounds {
        for (name, fate) in &FATES {
            meets(name, fate, &mut operator, &clients).await;
        }
        resident_kib.push(proc_status(node.pid(), "VmRSS"));
    }
    eprintln!("KiB resident after each round: {resident_kib:?}");
    if let [first, .., last] = resident_kib.as_slice() {
        assert!(*last < first + first / 10, "memory is not flat: {resident_kib:?}");
    }
    clients.stop().await;
    node.signal("TERM");
    let (status, _, log) = node.ended();
    assert_eq!(status.code(), Some(0));
    let printed = log.lines().filter(|line| line.contains(r#"buy \"more\""#)).count();
    assert!((1..=200 * rounds).contains(&printed), "a flood of lines became {printed}");
    assert!(log.lines().count() < 1_000 * rounds, "{} lines of log", log.lines().count());
}

/// Swaps `name` in, sees it meet its fate, and swaps an LRU in again.
async fn meets(name: &str, fate: &Fate, operator: &mut Operator, clients: &Clients) {
    eprintln!("{name}");
    let swapped = operator.swap(name, exhibits::policy(name)).await;
    let shown = operator.policy().await;
    match fate {
        Refused(why) => {
            let status = swapped.expect_err(name);
            assert!(status.message().contains(why), "{name}: {status}");
            assert_eq!((shown.name.as_str(), shown.state.as_str()), ("lru", "running"), "{name}");
            return;
        }
        Obeyed => {
            swapped.expect(name);
            clients.answered(1_000).await;
            let shown = operator.policy().await;
            assert_eq!((shown.name.as_str(), shown.state.as_str()), (name, "running"), "{name}");
        }
        GivenUp(why) => {
            let before = shown.failures;
            swapped.expect(name);
            until(name, async || operator.policy().await.state == "fallback").await;
            clients.answered(1_000).await;
            let shown = operator.policy().await;
            assert_eq!((shown.name.as_str(), shown.state.as_str()), (name, "fallback"), "{name}");
            assert!(shown.problem.contains(why), "{name}: {}", shown.problem);
            assert!(shown.failures <= before + 3, "{name}: {} failures", shown.failures);
        }
    }
    operator.swap_to("lru").await.expect("a healthy policy");
    assert_eq!(operator.policy().await.state, "running");
}

#[test]
fn every_exhibit_has_its_fate() {
    let known: Vec<&str> = FATES.iter().map(|(name, _)| *name).collect();
    assert_eq!(exhibits::names("policies"), known);
}

/// A forged state is believed by its own kind only, and costs nothing but precision.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_snapshot_loses_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let mut operator = Operator::of(node.address(), "full").await;
    let clients = Clients::start(node.address(), "full", KEYS).await;
    clients.answered(KEYS).await;
    for _ in 0..2 {
        operator.swap("forges-snapshots", exhibits::policy("forges-snapshots")).await.unwrap();
        clients.answered(1_000).await;
    }
    operator.swap_to("lfu").await.unwrap();
    clients.answered(1_000).await;
    assert_eq!(operator.policy().await.state, "running");
    clients.stop().await;
}

/// What a policy says of itself can't break what others read of the node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_in_introspect_break_no_scrape() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let mut operator = Operator::of(node.address(), "full").await;
    let liar = exhibits::policy("lies-in-introspect");
    operator.swap("lies-in-introspect", liar).await.unwrap();
    let page = scrape(node.told("http")).await;
    let told: Vec<&str> =
        page.lines().filter(|line| line.starts_with("psycache_policy_statistic{")).collect();
    assert_eq!(told, [r#"psycache_policy_statistic{group="full",statistic="same"} 1.0"#]);
    assert_eq!(page.matches("# HELP psycache_gets_total ").count(), 1, "{page}");
}

pub(super) async fn scrape(address: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
