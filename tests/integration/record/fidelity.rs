//! Live traffic, recorded and replayed: `sim` finds the node's own hit ratio.

use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use psycache::config::{Config, Group, RetrieverChoice};
use psycache::node::Node;
use psycache::proto::GetManyRequest;
use psycache::proto::cache_client::CacheClient;
use psycache::retriever::{FetchError, Fetched, Retriever};

use super::{Recorder, has_lines};
use crate::harness::{ending, psycache, psycache_command, stdout};

const GETS: usize = 150_000;
const CAPACITY: &str = "1MiB";

/// Values of some sizes.
struct Values;

impl Retriever for Values {
    fn name(&self) -> &str {
        "values"
    }

    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _within: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        let value = "v".repeat(key.bytes().map(usize::from).sum::<usize>() % 97);
        async { Ok(Some(Fetched::new(value, None))) }.boxed()
    }
}

/// Each key is asked for as often as one over its rank.
fn key(at: usize) -> String {
    let mixed = (at as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let uniform = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    format!("key-{}", 60_000_f64.powf(uniform) as u64)
}

/// The hit ratio of LRU by `sim`.
fn simulated(file: &std::path::Path) -> f64 {
    let args = ["--policy", "lru", "--output", "json", "--capacity", CAPACITY];
    let output = psycache([["sim", file.to_str().unwrap()].as_slice(), &args].concat());
    assert_eq!(ending(&output), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    report[0]["rows"][0]["hit_ratio"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_replayed_gives_the_hit_ratio_of_the_node() {
    let mut group = Group::new("default");
    group.retriever = Some(RetrieverChoice::native(Values));
    group.store.capacity_bytes = 1 << 20;
    let mut config = Config::default();
    (config.listen, config.http, config.groups) = ("127.0.0.1:0".into(), None, vec![group]);
    let node = Node::start(config).await.unwrap();
    let address = node.address().to_string();

    let folder = tempfile::tempdir().unwrap();
    let [whole, half] = ["whole", "half"].map(|name| folder.path().join(name));
    let begin = |(file, sample)| {
        let mut command = psycache_command(["record", "default", "--sample", sample, "--output"]);
        command.arg(file).env("PSYCACHE_NODE", &address);
        Recorder::spawn(command)
    };
    let recorders = [(&whole, "1"), (&half, "1/2")].map(begin);
    let mut client = CacheClient::connect(format!("http://{address}")).await.unwrap();
    for first in (0..GETS).step_by(50) {
        let keys = (first..first + 50).map(|at| Bytes::from(key(at))).collect();
        let results = client.get_many(GetManyRequest { group: "default".into(), keys }).await;
        assert_eq!(results.unwrap().into_inner().results.len(), 50);
    }
    let [found, all] = node.groups().find("default").unwrap().counters().snapshot().lookups;
    let live = found as f64 / all as f64;
    for file in [&whole, &half] {
        has_lines(file, |text| text.contains(&format!("# gets={all} found={found} lost=0\n")));
    }
    for recorder in recorders {
        let ended = recorder.interrupt();
        assert_eq!((ended.code, &*ended.complaint), (Some(0), ""), "{}", ended.said);
        let words = format!(" 0 lost\nthe group hits {:.1}% of {all} gets", live * 100.0);
        assert!(ended.said.contains(&words), "{words} in {}", ended.said);
    }
    let replayed = tokio::task::spawn_blocking(move || [&whole, &half].map(|file| simulated(file)));
    let [of_whole, of_half] = replayed.await.unwrap();
    eprintln!("live {live:.4}, sim {of_whole:.4}, of half of the keys {of_half:.4}");
    assert!((0.2..0.8).contains(&live), "{live}");
    assert!((of_whole - live).abs() < 0.005, "{of_whole} and {live}");
    // Half of the keys are a sample of some thousand entries.
    assert!((of_half - live).abs() < 0.02, "{of_half} and {live}");
    node.shutdown().await;
}
