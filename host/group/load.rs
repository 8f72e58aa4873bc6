//! One load from the source to its end, apart from the callers who wait for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{Instrument, Span};

use super::get::Keep;
use super::singleflight::Load;
use super::{Group, Reply, ttl};
use crate::error::Error;
use crate::key;
use crate::retriever::{FetchError, Fetched, SharedRetriever};
use crate::store::{NewEntry, Reservation};
use crate::telemetry::{LoadOutcome, LoadSource, spans};
use crate::transport::remote::{Call, RemoteError, Response};
use crate::value::{Answer, Origin};

/// How long a value is kept that another node answers for.
pub(super) const BRIEFLY: Duration = Duration::from_secs(1);

/// A previous owner has the value in memory or not at all.
const LOOK_UP_WITHIN: Duration = Duration::from_millis(200);

/// After several changes in a row.
const MOST_PREVIOUS_OWNERS: usize = 2;

impl Group {
    /// Fetches `key`, keeps what came, and lands the flight. Ends early, without a
    /// trace in the store, when nobody waits any more.
    pub(super) async fn load(
        self: Arc<Self>,
        retriever: SharedRetriever,
        key: Box<str>,
        hash: u64,
        keep: Keep,
        flight: Load<Reply, Span>,
    ) {
        let inherited = tokio::select! {
            biased;
            () = flight.abandoned() => return,
            inherited = self.inherited(&key, hash, keep) => inherited,
        };
        if let Some(fetched) = inherited {
            let (reply, entry) = self.value(fetched, Duration::ZERO);
            let reply = reply.map(|answer| Answer { origin: Origin::Peer, ..answer });
            return self.land(flight, &key, hash, reply, entry).await;
        }
        let timer = self.counters.begin_load(LoadSource::Retriever);
        let fetched = tokio::select! {
            biased;
            () = flight.abandoned() => {
                timer.end(LoadOutcome::Abandoned);
                spans::loaded(&Span::current(), LoadOutcome::Abandoned, &"nobody waits any more");
                return;
            }
            fetched = self.fetch(&retriever, &key) => fetched,
        };
        let took = timer.end(outcome(&fetched));
        note(&Span::current(), &fetched);
        let (reply, mut entry) = match fetched {
            Ok(Some(fetched)) => self.value(fetched, took),
            Ok(None) => (Err(Error::NotFound), self.absence(took)),
            Err(error) => (Err(self.failure(retriever.name(), error)), None),
        };
        let briefly = keep == Keep::Briefly || self.parts.cluster.standing().is_cut_off();
        if let (true, Some(entry)) = (briefly, &mut entry) {
            let briefly = ttl::deadline_ms(self.parts.clock.now_ms(), Some(BRIEFLY));
            entry.deadline_ms = entry.deadline_ms.min(briefly).or(briefly);
        }
        self.land(flight, &key, hash, reply, entry).await;
    }

    /// Keeps what there is to keep, and answers all who wait.
    async fn land(
        &self,
        flight: Load<Reply, Span>,
        key: &str,
        hash: u64,
        reply: Reply,
        entry: Option<NewEntry>,
    ) {
        // 1. A load takes the lock of its flight. 2. It waits for room, which the
        // lane makes. 3. All keys of that lock's shard wait with it. So the room is
        // had first, and under the lock nothing remains that can wait or fail.
        let kept = match entry {
            Some(entry) => self.room_for(key, &entry).await.map(|room| (room, entry)),
            None => None,
        };
        flight.land(reply, || {
            // A node that nobody tells of changes must not keep anything.
            if let Some((room, entry)) = kept
                && self.parts.cluster.standing().holds()
            {
                self.parts.store.commit(room, key, hash, entry);
            }
        });
    }

    /// What an owner from before the ring changed holds of the key, so that a node
    /// that joins does not ask the source for everything anew.
    async fn inherited(&self, key: &str, hash: u64, keep: Keep) -> Option<Fetched> {
        if keep == Keep::Briefly {
            return None;
        }
        let before = self.parts.cluster.previous_owners(key::ring_hash(key));
        // 1. A removal is here. 2. It has not been at the previous owner yet. 3. What
        // that still holds would be kept here for good.
        if before.is_empty() || self.changed_lately.contains(hash, self.parts.clock.now_ms()) {
            return None;
        }
        for node in before.iter().take(MOST_PREVIOUS_OWNERS) {
            let timer = self.counters.begin_load(LoadSource::PreviousOwner);
            let held = node.ask(self.request(key, Call::Lookup), LOOK_UP_WITHIN).await;
            timer.end(match &held {
                Ok(Response::Value(_)) => LoadOutcome::Found,
                Ok(_) | Err(RemoteError::Answered(Error::NotFound)) => LoadOutcome::NotFound,
                Err(_) => LoadOutcome::Unavailable,
            });
            if let Ok(Response::Value(answer)) = held {
                // As a slice it would keep the connection's whole buffer alive.
                let value = bytes::Bytes::copy_from_slice(&answer.value);
                return Some(Fetched { value, ttl: answer.ttl });
            }
        }
        None
    }

    /// Asks the source. A retriever holds the limit itself, or is held to it here.
    async fn fetch(
        &self,
        retriever: &SharedRetriever,
        key: &str,
    ) -> Result<Option<Fetched>, FetchError> {
        let limit = self.config.load_timeout;
        let span = spans::retrieve(retriever.name());
        let fetch =
            self.parts.clock.timeout(limit, retriever.fetch(key, limit)).instrument(span.clone());
        let fetched = fetch.await.unwrap_or(Err(FetchError::Timeout(limit)));
        note(&span, &fetched);
        fetched
    }

    fn value(&self, fetched: Fetched, took: Duration) -> (Reply, Option<NewEntry>) {
        let Fetched { value, ttl } = fetched;
        let (bytes, limit) = (value.len() as u64, self.config.max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return (Err(Error::TooLarge { bytes, limit, what }), None);
        }
        let ttl = ttl.map(|ttl| ttl.min(ttl::MAX_TTL)).or_else(|| self.default_ttl());
        let entry = self.entry(Some(value.clone()), ttl, took);
        (Ok(Answer { value: value.into(), origin: Origin::Loaded, ttl }), entry)
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
        Some(NewEntry { value, deadline_ms, cost_us })
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
                if let Some(unsaid) = self.broken.admit() {
                    tracing::warn!(
                        group = self.config.name,
                        source,
                        reason,
                        unsaid,
                        "the retriever failed"
                    );
                }
                Error::Unavailable { who: who(), reason }
            }
        }
    }
}

/// Tells a span how a load ended.
fn note(span: &Span, fetched: &Result<Option<Fetched>, FetchError>) {
    let words: &dyn std::fmt::Display = match fetched {
        Ok(_) => &"",
        Err(error) => error,
    };
    spans::loaded(span, outcome(fetched), words);
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
