//! A cache inside one's own program: a node with its policy and its data source in Rust,
//! asked without a socket between, and by others over gRPC at the same time.
//!
//! `cargo run --release` in this folder. It builds without WebAssembly.
#![allow(clippy::disallowed_methods, reason = "a main may block on its runtime")]
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, try_join_all};
use psycache::config::{Config, Group, PolicyChoice};
use psycache::node::Node;
use psycache::policy::{Attributes, Batch, Failure, Keys, Policy, PolicyConfig, PolicySource};
use psycache::retriever::{FetchError, Fetched, Retriever, SharedRetriever};

/// First in, first out. Slots are the node's names of entries.
struct Fifo(VecDeque<(u32, u64)>);

impl Policy for Fifo {
    fn step(
        &mut self,
        batch: &Batch,
        need: u64,
        _now_ms: u64,
        victims: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        self.0.retain(|(slot, _)| !batch.removed.contains(slot));
        for (slot, Attributes { weight, .. }) in batch.admissions() {
            self.0.push_back((slot, weight.into()));
        }
        let mut freed = 0;
        while freed < need && victims.len() < 64 {
            let Some((slot, weight)) = self.0.pop_front() else { break };
            victims.push(slot);
            freed += weight;
        }
        Ok(())
    }
}

/// Makes the group's policy, and again when it has failed.
struct FifoSource;

impl PolicySource for FifoSource {
    fn name(&self) -> &str {
        "fifo in Rust"
    }

    fn instantiate(
        &self,
        _config: &PolicyConfig,
        _keys: Arc<dyn Keys>,
    ) -> Result<Box<dyn Policy>, Failure> {
        Ok(Box::new(Fifo(VecDeque::new())))
    }
}

/// The program's own data.
#[derive(Default)]
struct Squares {
    asked: AtomicU64,
}

impl Retriever for Squares {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = match key.parse::<u64>() {
            Ok(number) => {
                let value = number.saturating_mul(number).to_string();
                Ok(Some(Fetched::new(value, None)))
            }
            Err(_) => Err(FetchError::BadKey(format!("{key:?} is no number"))),
        };
        Box::pin(async move { answer })
    }

    fn name(&self) -> &str {
        "squares"
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let source = Arc::new(Squares::default());
    let mut squares = Group::new("squares");
    squares.store.capacity_bytes = 16 << 10;
    squares.policy = PolicyChoice::native(FifoSource);
    squares.retriever = Some((source.clone() as SharedRetriever).into());
    let mut config = Config::default();
    config.listen = "127.0.0.1:0".into();
    config.http = None;
    config.groups = vec![squares];
    let node = Node::start(config).await?;
    let squares = node.group("squares")?;

    // Many at a time, one load.
    let answers = try_join_all((0..100).map(|_| squares.get("12"))).await?;
    assert!(answers.iter().all(|answer| &answer.value[..] == b"144"));
    let loads = source.asked.load(Ordering::Relaxed);
    println!("12 squared, asked for a hundred times: {loads} load");

    // More than fits: the policy above says who leaves.
    for number in 0..1_000_u32 {
        squares.get(&number.to_string()).await?;
    }
    let again = source.asked.load(Ordering::Relaxed);
    squares.get("12").await?;
    let loads = source.asked.load(Ordering::Relaxed) - again;
    println!("12 squared, after a thousand others: {loads} load");

    let refused = squares.get("twelve").await.expect_err("it is no number");
    println!("a key that can't be: {refused}");
    println!("others may ask over gRPC: psycache get squares 7 --node {}", node.address());
    node.shutdown().await;
    Ok(())
}
