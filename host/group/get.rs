//! The whole read path, in the order of the calls.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::singleflight::{Joined, Lost};
use super::{Group, Reply};
use crate::cluster::Owner;
use crate::error::Error;
use crate::key;
use crate::store::Found;
use crate::telemetry::GetResult;
use crate::value::{Answer, Origin};

/// Keys of one `get_many` that are asked for at a time.
const MANY_AT_ONCE: usize = 64;

impl Group {
    /// The value of `key`: from memory, or else loaded once, however many ask.
    /// Waits at most `within`; dropping the future gives up this caller's wait
    /// only, and the load when nobody else waits for it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the source has no such key. A load that fails is
    /// not remembered, and fails for all who wait for it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get(self: &Arc<Self>, key: &str, within: Duration) -> Result<Answer, Error> {
        let hash = self.parts.store.hash(key);
        if let Some(found) = self.parts.store.get(key, hash) {
            return self.remembered(found);
        }
        let reply = match timeout(within, self.get_missing(key, hash)).await {
            Ok(reply) => reply,
            Err(_) => Err(Error::DeadlineExceeded { after: within }),
        };
        self.counters.count_get(match &reply {
            Ok(_) | Err(Error::NotFound) => GetResult::Miss,
            Err(_) => GetResult::Error,
        });
        reply
    }

    async fn get_missing(self: &Arc<Self>, key: &str, hash: u64) -> Reply {
        key::parse(key.as_bytes())?;
        match self.parts.cluster.owner(key::ring_hash(key)) {
            // Until nodes can ask each other, each loads for itself.
            Owner::Local | Owner::Remote(_) => self.load_once(key, hash).await,
        }
    }

    /// Joins the load of `key` or starts it. Also how a peer's request goes on
    /// after a miss: nothing from here on asks another node, so two nodes that each
    /// take the other for the owner can't wait for each other.
    async fn load_once(self: &Arc<Self>, key: &str, hash: u64) -> Reply {
        let Some(retriever) = self.parts.source.retriever() else {
            return Err(Error::NoRetriever { group: self.config.name.clone() });
        };
        let recheck = || self.parts.store.get(key, hash).map(|found| self.reply(found));
        let waiter = match self.flights.join(key, hash, recheck) {
            Joined::Ready(reply) => return reply,
            Joined::Follower(waiter) => waiter,
            Joined::Leader(flight, waiter) => {
                // 1. The first caller starts the load. 2. Others join it. 3. The
                // first goes away. Were the load part of its future, all would fail.
                let load = Arc::clone(self).load(retriever, key.into(), hash, flight);
                tokio::spawn(load.in_current_span());
                waiter
            }
        };
        waiter.await.unwrap_or_else(|Lost| {
            let problem = "the load ended without an answer; the retriever panicked, or the node \
                           is stopping";
            Err(Error::Internal(problem.into()))
        })
    }

    /// Answers a get from what memory holds of the key.
    fn remembered(&self, found: Found) -> Reply {
        let reply = self.reply(found);
        self.counters.count_get(match reply {
            Ok(_) => GetResult::Hit,
            Err(_) => GetResult::Negative,
        });
        reply
    }

    fn reply(&self, found: Found) -> Reply {
        let value = found.value.ok_or(Error::NotFound)?;
        let now_ms = || self.parts.clock.now_ms();
        let ttl = found.deadline_ms.map(|at_ms| at_ms.saturating_sub(now_ms()));
        Ok(Answer { value, origin: Origin::Hit, ttl: ttl.map(Duration::from_millis) })
    }

    /// The values of `keys`, in their order. At most 64 are asked for at a time,
    /// and `within` is for all of them together.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get_many<K: AsRef<str>>(
        self: &Arc<Self>,
        keys: &[K],
        within: Duration,
    ) -> Vec<Result<Answer, Error>> {
        let end = Instant::now() + within;
        let gets = keys.iter().map(|key| async move {
            self.get(key.as_ref(), end.saturating_duration_since(Instant::now())).await
        });
        // As a list first: a stream that borrows from its closure is not `Send`.
        let gets: Vec<_> = gets.collect();
        stream::iter(gets).buffered(MANY_AT_ONCE).collect().await
    }
}
