//! Closed-loop clients: each asks again as soon as it was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use psycache::proto::cache_client::CacheClient;
use psycache::proto::{GetRequest, SetRequest};
use tokio::task::JoinSet;
use tonic::Status;
use tonic::transport::Channel;

use super::operator::{Operator, connect};
use crate::patience::until;

/// Clients at a time.
const CLIENTS: u64 = 8;
/// Every so many requests of a client are a set.
const SET_EACH: u64 = 8;

/// What the clients and who watches them share.
#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    requests: AtomicU64,
    samples: AtomicU64,
}

/// Eight clients at work, and one who reads how many bytes the node holds.
pub(super) struct Clients {
    tally: Arc<Tally>,
    tasks: JoinSet<Vec<String>>,
}

impl Clients {
    /// Has clients get and set keys of `group`, of which `keys` exist.
    pub(super) async fn start(address: &str, group: &'static str, keys: u64) -> Self {
        let tally = Arc::new(Tally::default());
        let mut tasks = JoinSet::new();
        for client in 0..CLIENTS {
            let cache = CacheClient::new(connect(address).await);
            let draws = Draws(client + 1);
            tasks.spawn(ask(cache, group, keys, draws, Arc::clone(&tally)));
        }
        tasks.spawn(watch(Operator::of(address, group).await, Arc::clone(&tally)));
        Self { tally, tasks }
    }

    /// Waits until so many more requests were answered.
    pub(super) async fn answered(&self, more: u64) {
        let wanted = self.tally.requests.load(Relaxed) + more;
        until("requests are answered", async || self.tally.requests.load(Relaxed) >= wanted).await;
    }

    /// Stops, and gives how many requests there were.
    ///
    /// # Panics
    /// One of them failed, or the node held more than it may.
    pub(super) async fn stop(mut self) -> u64 {
        self.tally.stop.store(true, Relaxed);
        let mut failures = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            failures.extend(ended.unwrap());
        }
        let (requests, samples) =
            (self.tally.requests.load(Relaxed), self.tally.samples.load(Relaxed));
        assert!(failures.is_empty(), "{} failed, the first: {}", failures.len(), failures[0]);
        assert!(samples > 0);
        eprintln!("{requests} requests, {samples} samples, nothing failed");
        requests
    }
}

/// Gives what failed.
async fn ask(
    mut cache: CacheClient<Channel>,
    group: &'static str,
    keys: u64,
    mut draws: Draws,
    tally: Arc<Tally>,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut nth = 0;
    while !tally.stop.load(Relaxed) {
        nth += 1;
        // The smaller of two even draws: some keys are asked for often, most seldom.
        let key = format!("key-{}", draws.next(keys).min(draws.next(keys)));
        let answer: Result<(), Status> = if nth % SET_EACH == 0 {
            let value = Bytes::from_static(&[b's'; 100]);
            let set = SetRequest {
                group: group.into(),
                key: key.clone().into(),
                value,
                ..SetRequest::default()
            };
            cache.set(set).await.map(drop)
        } else {
            let get = GetRequest { group: group.into(), key: key.clone().into(), may_lend: false };
            cache.get(get).await.map(drop)
        };
        if let Err(status) = answer {
            failures.push(format!("{key}: {status}"));
        }
        tally.requests.fetch_add(1, Relaxed);
    }
    failures
}

async fn watch(mut operator: Operator, tally: Arc<Tally>) -> Vec<String> {
    let mut excesses = Vec::new();
    while !tally.stop.load(Relaxed) {
        let status = operator.status().await;
        if status.bytes > status.capacity_bytes || status.entries > status.max_entries {
            excesses.push(format!("{status:?}"));
        }
        tally.samples.fetch_add(1, Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    excesses
}

/// Even draws that are the same in each run (G. Marsaglia, "Xorshift RNGs", 2003).
pub(super) struct Draws(pub(super) u64);

impl Draws {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % below
    }
}
