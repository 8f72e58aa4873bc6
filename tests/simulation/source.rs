//! The table behind all nodes: the version of each key, which only grows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::world::World;
use psycache::retriever::{FetchError, Fetched, Retriever};

/// One node's way to the table.
pub(super) struct Source(pub(super) Arc<World>);

impl Retriever for Source {
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        _: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        async move {
            let (world, key) = (Arc::clone(&self.0), key.to_owned());
            let (there, back) = (world.source_delay(), world.source_delay());
            // The table answers whether or not the node goes on meanwhile.
            let mut read = self.0.outside.run(async move {
                world.clock.sleep(there).await;
                let value = Found { version: world.history.lock().latest(&key), was_set: false };
                world.clock.sleep(back).await;
                value
            });
            let read = read.end().await.ok_or_else(|| FetchError::Broken("it ended".into()))?;
            Ok(Some(Fetched::new(read.text(), None)))
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "table"
    }
}

/// A value: which change of its key it comes from, and whether by a set or by way of the
/// table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) version: u64,
    pub(super) was_set: bool,
}

impl Found {
    pub(super) fn text(self) -> Bytes {
        let way = if self.was_set { "set" } else { "read" };
        format!("{} {way}", self.version).into()
    }

    pub(super) fn of(value: &[u8]) -> Self {
        let text = std::str::from_utf8(value).expect("text");
        let (version, way) = text.split_once(' ').expect("a version and a way");
        Self { version: version.parse().expect("a version"), was_set: way == "set" }
    }
}
