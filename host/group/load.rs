//! One load from the source to its end, apart from the callers who wait for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use super::singleflight::Load;
use super::{Group, Reply, ttl};
use crate::error::Error;
use crate::retriever::{FetchError, Fetched, SharedRetriever};
use crate::store::{NewEntry, Reservation};
use crate::telemetry::LoadOutcome;
use crate::value::{Answer, Origin};

impl Group {
    /// Fetches `key`, keeps what came, and lands the flight. Ends early, without a
    /// trace in the store, when nobody waits any more.
    pub(super) async fn load(
        self: Arc<Self>,
        retriever: SharedRetriever,
        key: Box<str>,
        hash: u64,
        flight: Load<Reply>,
    ) {
        let timer = self.counters.begin_load();
        let fetched = tokio::select! {
            biased;
            () = flight.abandoned() => {
                timer.end(LoadOutcome::Abandoned);
                return;
            }
            fetched = self.fetch(&retriever, &key) => fetched,
        };
        let took = timer.end(outcome(&fetched));
        let (reply, entry) = match fetched {
            Ok(Some(fetched)) => self.value(fetched, took),
            Ok(None) => (Err(Error::NotFound), self.absence(took)),
            Err(error) => (Err(self.failure(retriever.name(), error)), None),
        };
        // 1. A load takes the lock of its flight. 2. It waits for room, which the
        // lane makes. 3. All keys of that lock's shard wait with it. So the room is
        // had first, and under the lock nothing remains that can wait or fail.
        let kept = match entry {
            Some(entry) => self.room_for(&key, &entry).await.map(|room| (room, entry)),
            None => None,
        };
        flight.land(reply, || {
            if let Some((room, entry)) = kept {
                self.parts.store.commit(room, &key, hash, entry);
            }
        });
    }

    /// Asks the source. A retriever holds the limit itself, or is held to it here.
    async fn fetch(
        &self,
        retriever: &SharedRetriever,
        key: &str,
    ) -> Result<Option<Fetched>, FetchError> {
        let limit = self.config.load_timeout;
        match timeout(limit, retriever.fetch(key, limit)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::Timeout(limit)),
        }
    }

    fn value(&self, fetched: Fetched, took: Duration) -> (Reply, Option<NewEntry>) {
        let Fetched { value, ttl } = fetched;
        let (bytes, limit) = (value.len() as u64, self.config.max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return (Err(Error::TooLarge { bytes, limit, what }), None);
        }
        let ttl = ttl
            .map(|ttl| ttl.min(ttl::MAX_TTL))
            .or_else(|| self.default_ttl());
        let entry = self.entry(Some(value.clone()), ttl, took);
        (
            Ok(Answer {
                value,
                origin: Origin::Loaded,
                ttl,
            }),
            entry,
        )
    }

    fn absence(&self, took: Duration) -> Option<NewEntry> {
        self.entry(None, Some(self.config.negative_ttl), took)
    }

    /// `None` if the time to live is none at all: a source says so of what may not
    /// be cached.
    fn entry(
        &self,
        value: Option<bytes::Bytes>,
        ttl: Option<Duration>,
        took: Duration,
    ) -> Option<NewEntry> {
        if ttl.is_some_and(|ttl| ttl.is_zero()) {
            return None;
        }
        let deadline_ms = ttl::deadline_ms(self.parts.clock.now_ms(), ttl);
        let cost_us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        Some(NewEntry {
            value,
            deadline_ms,
            cost_us,
        })
    }

    /// Room for what was loaded. Without it the callers get the value all the same,
    /// and the next get loads anew.
    async fn room_for(&self, key: &str, entry: &NewEntry) -> Option<Reservation> {
        let value_len = entry.value.as_ref().map_or(0, bytes::Bytes::len);
        let refused = match self.room(key.len(), value_len).await {
            Ok(room) => return Some(room),
            Err(refused) => refused,
        };
        let too_large = matches!(refused, Error::TooLarge { .. });
        if too_large && !self.told_of_oversize.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                group = self.config.name,
                "the source gave a value that was answered but not kept: {refused} (said once)"
            );
        }
        None
    }

    /// What callers are told of a source's failure.
    fn failure(&self, source: &str, error: FetchError) -> Error {
        let who = || format!("the source {source:?} of group {:?}", self.config.name);
        match error {
            FetchError::Unavailable(reason) => Error::Unavailable { who: who(), reason },
            FetchError::Rejected(reason) => Error::SourceRejected { reason },
            FetchError::BadKey(problem) => Error::InvalidKey { problem },
            FetchError::BadValue(reason) => Error::BadValue { reason },
            FetchError::Timeout(after) => Error::DeadlineExceeded { after },
            FetchError::Broken(reason) => {
                tracing::warn!(
                    group = self.config.name,
                    source,
                    reason,
                    "the retriever failed"
                );
                Error::Unavailable { who: who(), reason }
            }
        }
    }
}

fn outcome(fetched: &Result<Option<Fetched>, FetchError>) -> LoadOutcome {
    match fetched {
        Ok(Some(_)) => LoadOutcome::Found,
        Ok(None) => LoadOutcome::NotFound,
        Err(FetchError::Unavailable(_)) => LoadOutcome::Unavailable,
        Err(FetchError::Rejected(_)) => LoadOutcome::Rejected,
        Err(FetchError::BadKey(_)) => LoadOutcome::BadKey,
        Err(FetchError::BadValue(_)) => LoadOutcome::BadValue,
        Err(FetchError::Timeout(_)) => LoadOutcome::Timeout,
        Err(FetchError::Broken(_)) => LoadOutcome::Broken,
    }
}
