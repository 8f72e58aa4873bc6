//! The optional parts of the contract, and plugins built for another version of it.

use psycache::proto::SetRequest;
use psycache::proto::cache_client::CacheClient;

use super::exhibits;
use super::operator::{Operator, connect};
use super::policies::scrape;
use crate::harness::{ServedNode, ending, stdout};

const KEYS: u64 = 100;

/// The number that the exhibit `everything` tells.
async fn keys_read(node: &ServedNode) -> u64 {
    let page = scrape(node.told("http")).await;
    let name = r#"psycache_policy_statistic{group="default",statistic="keys-read"} "#;
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{page}")).parse::<f64>().unwrap() as u64
}

async fn fill(node: &ServedNode) {
    let mut cache = CacheClient::new(connect(node.address()).await);
    for key in 0..KEYS {
        let (group, key) = ("default".into(), key.to_string().into());
        let set = SetRequest { group, key, value: "value".into(), ..SetRequest::default() };
        cache.set(set).await.unwrap();
    }
}

/// Versions of the contract that must run on this node, which speaks 0.1.0.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_may_have_is_used_whatever_it_was_built_for() {
    for version in ["0.1.0", "0.1.1"] {
        let node = ServedNode::start(&[]);
        fill(&node).await;
        let mut operator = Operator::of(node.address(), "default").await;
        let everything = exhibits::policy_of_version("everything", version);
        operator.swap("everything", everything.clone()).await.unwrap();
        // It asked for the key of each entry that it was told of.
        assert_eq!(keys_read(&node).await, KEYS);
        // Its successor of the same kind took that over, and was told of none anew.
        operator.swap("everything", everything).await.unwrap();
        assert_eq!(keys_read(&node).await, KEYS, "{version}");
        // One of another kind was told of each.
        operator.swap_to("lfu").await.unwrap();
        assert_eq!(operator.policy().await.state, "running");
    }
}

#[test]
fn inspect_tells_versions_and_abilities() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("everything.wasm");
    std::fs::write(&path, exhibits::policy_of_version("everything", "0.1.1")).unwrap();
    let output = crate::harness::psycache(["plugin", "inspect", path.to_str().unwrap()]);
    assert_eq!(ending(&output), (Some(0), ""));
    let told = stdout(&output);
    for part in ["psycache:plugin/policy@0.1.1", "introspect", "snapshot"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
}
