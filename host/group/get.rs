//! The whole read path, in the order of the calls.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tracing::{Instrument, Span};

use super::singleflight::{Joined, Lost};
use super::{Group, Reply};
use crate::cluster::Owner;
use crate::error::Error;
use crate::key;
use crate::store::Found;
use crate::telemetry::{GetResult, spans};
use crate::transport::remote::{Call, Remote, RemoteError, Response};
use crate::value::{Answer, Origin};

/// Keys of one `get_many` that are asked for at a time.
const MANY_AT_ONCE: usize = 64;

/// For how long a load may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// As long as the value says: this node answers for the key.
    Fully,
    /// For a second: another node answers for it, and can't be reached.
    Briefly,
}

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
        self.get_and_tell(key, within).await.1
    }

    /// As [`get`](Self::get), and tells how it was counted.
    pub(crate) async fn get_and_tell(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
    ) -> (GetResult, Reply) {
        let hash = self.parts.store.hash(key);
        if let Some(found) = self.held(key, hash) {
            return self.remembered(found);
        }
        let reply =
            match self.parts.clock.timeout(within, self.get_missing(key, hash, within)).await {
                Ok(reply) => reply,
                Err(_) => Err(Error::DeadlineExceeded { after: within }),
            };
        let result = match &reply {
            Ok(answer) if answer.origin == Origin::Peer => GetResult::Peer,
            Ok(_) | Err(Error::NotFound) => GetResult::Miss,
            Err(_) => GetResult::Error,
        };
        self.counters.count_get(result);
        (result, reply)
    }

    async fn get_missing(self: &Arc<Self>, key: &str, hash: u64, within: Duration) -> Reply {
        key::parse(key.as_bytes())?;
        match self.parts.cluster.owner(key::ring_hash(key)) {
            Owner::Local => self.load_once(key, hash, Keep::Fully).await,
            Owner::Remote(owner) => self.ask_owner(&*owner, key, hash, within).await,
        }
    }

    /// The owner's answer, which is not kept here. An owner that can't be reached,
    /// or takes half of the time, is not waited for: this node loads by itself, and
    /// keeps that only briefly.
    ///
    /// So a source that takes longer than half of what callers allow is loaded from
    /// once by the owner and once by each node that asks it, however many ask there.
    /// It is the price of the other half: nothing tells an owner that hangs from one
    /// whose source is slow, and who asked the first must be served in time. It is
    /// bounded by the number of nodes, and paid a second at most, as the copies are
    /// kept for that long and the owner's answer is there then.
    async fn ask_owner(
        self: &Arc<Self>,
        owner: &dyn Remote,
        key: &str,
        hash: u64,
        within: Duration,
    ) -> Reply {
        // Every get asks by itself, and the owner loads once for all. Were they to
        // share a question here, a get that begins after a removal ended could
        // join one from before.
        let asked = owner.ask(self.request(key, Call::Get), within);
        let loaded = |reason: &str| {
            tracing::debug!(owner = owner.address(), reason, "loading in place of the owner");
            self.load_once(key, hash, Keep::Briefly)
        };
        tokio::pin!(asked);
        let answer = match self.parts.clock.timeout(within / 2, &mut asked).await {
            Ok(answer) => answer,
            Err(_) => {
                let loading = loaded("it is slow");
                tokio::pin!(loading);
                tokio::select! {
                    biased;
                    answer = &mut asked => match answer {
                        Err(RemoteError::Unreachable(_)) => return loading.await,
                        answer => answer,
                    },
                    reply = &mut loading => return reply,
                }
            }
        };
        match answer {
            Ok(Response::Value(answer)) => Ok(answer),
            Ok(_) => loaded("it answered something else").await,
            Err(RemoteError::Unreachable(reason)) => loaded(&reason).await,
            Err(RemoteError::Answered(Error::Stopping)) => loaded("it is stopping").await,
            Err(RemoteError::Answered(error)) => Err(error),
        }
    }

    /// Joins the load of `key` or starts it. Also how a peer's request goes on
    /// after a miss: nothing from here on asks another node, so two nodes that each
    /// take the other for the owner can't wait for each other.
    pub(super) async fn load_once(self: &Arc<Self>, key: &str, hash: u64, keep: Keep) -> Reply {
        let Some(retriever) = self.parts.source.retriever() else {
            return Err(Error::NoRetriever { group: self.config.name.clone() });
        };
        let recheck = || self.held(key, hash).map(|found| self.reply(found));
        let span = || spans::flight(&self.config.name);
        let (waiter, wait) = match self.flights.join(key, hash, recheck, span) {
            Joined::Ready(reply) => return reply,
            Joined::Follower(waiter) => {
                let wait = spans::join(&self.config.name, waiter.label());
                (waiter, wait)
            }
            Joined::Leader(flight, waiter) => {
                // 1. The first caller starts the load. 2. Others join it. 3. The
                // first goes away. Were the load part of its future, all would fail.
                let load = Arc::clone(self).load(retriever, key.into(), hash, keep, flight);
                tokio::spawn(load.instrument(waiter.label().clone()));
                (waiter, Span::none())
            }
        };
        waiter.instrument(wait).await.unwrap_or_else(|Lost| {
            let problem = "the load ended without an answer; the retriever panicked, or the node \
                           is stopping";
            Err(Error::Internal(problem.into()))
        })
    }

    /// Answers a get from what memory holds of the key.
    fn remembered(&self, found: Found) -> (GetResult, Reply) {
        let reply = self.reply(found);
        let result = match reply {
            Ok(_) => GetResult::Hit,
            Err(_) => GetResult::Negative,
        };
        self.counters.count_get(result);
        (result, reply)
    }

    /// What memory holds of the key, unless others may have changed it without
    /// telling this node.
    pub(super) fn held(&self, key: &str, hash: u64) -> Option<Found> {
        if self.parts.cluster.standing().holds() { self.parts.store.get(key, hash) } else { None }
    }

    pub(super) fn reply(&self, found: Found) -> Reply {
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
        let clock = &self.parts.clock;
        let end_ms = clock.now_ms() + within.as_millis() as u64;
        let gets = keys.iter().map(|key| async move {
            let rest_ms = end_ms.saturating_sub(clock.now_ms());
            self.get(key.as_ref(), Duration::from_millis(rest_ms)).await
        });
        // As a list first: a stream that borrows from its closure is not `Send`.
        let gets: Vec<_> = gets.collect();
        stream::iter(gets).buffered(MANY_AT_ONCE).collect().await
    }
}
