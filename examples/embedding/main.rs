//! A cache inside one's own program: a node with its policy and its data source, asked
//! without a socket between, and by others over gRPC at the same time.
//!
//! `cargo run --release --example embedding`
#![allow(clippy::disallowed_methods, reason = "a main may block on its runtime")]
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use psycache::config::{Config, Group, Plugin};
use psycache::node::Node;
use psycache::retriever::{FetchError, Fetched, Retriever, SharedRetriever};

/// The program's own data, in Rust: no plugin is needed for it.
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
                let value = number.saturating_mul(number).to_string().into();
                Ok(Some(Fetched { value, ttl: None }))
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
    let mut squares = Group::new("squares");
    squares.policy = Plugin::new("twoq");
    let config = Config {
        listen: "127.0.0.1:0".into(),
        http: None,
        groups: vec![squares],
        ..Config::default()
    };
    let node = Node::start(config).await?;
    let group = node.groups().find(b"squares")?;
    let source = Arc::new(Squares::default());
    group.parts().source.replace(Some(source.clone() as SharedRetriever));

    let within = Duration::from_secs(1);
    // Many at a time, one load.
    let gets = (0..100).map(|_| group.get("12", within));
    for answer in futures::future::try_join_all(gets).await? {
        assert_eq!(&answer.value[..], b"144");
    }
    let loads = source.asked.load(Ordering::Relaxed);
    println!("12 squared, asked for a hundred times: {loads} load");

    let refused = group.get("twelve", within).await.expect_err("it is no number");
    println!("a key that can't be: {refused}");
    println!("others may ask over gRPC: psycache get squares 7 --node {}", node.address());
    node.shutdown().await;
    Ok(())
}
