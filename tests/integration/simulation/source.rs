//! The table behind all nodes: the version of each key, which only grows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use psycache::retriever::{FetchError, Fetched, Retriever};

use super::world::World;

/// A way to the table or back takes no longer.
pub(super) const LONGEST_MS: u64 = 1_500;

/// One node's way to the table.
pub(super) struct Source(pub(super) Arc<World>);

impl Retriever for Source {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            let (there, back) = (self.0.source_delay(), self.0.source_delay());
            self.0.clock.sleep(there).await;
            let version = self.0.version(key);
            self.0.clock.sleep(back).await;
            Ok(Some(Fetched { value: value(version), ttl: None }))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "table"
    }
}

pub(super) fn value(version: u64) -> Bytes {
    version.to_string().into()
}

pub(super) fn version(value: &[u8]) -> u64 {
    std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).expect("a version")
}
