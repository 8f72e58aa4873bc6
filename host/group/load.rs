//! One load from the source, independent of the callers that wait for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::Span;

use super::ask::Asked;
use super::config::Uncertain;
use super::singleflight::Load;
use super::{Group, Reply, ttl};
use crate::copies::Copy;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::retriever::{FetchError, Fetched, SharedRetriever};
use crate::store::{NewEntry, Reservation};
use crate::telemetry::{LoadOutcome, LoadSource, spans};
use crate::transport::remote::{PeerCall, RemoteError, Response};
use crate::value::{Answer, Origin};

/// How long an uncertain node caches a loaded value, so that not every get reaches the
/// source.
const BRIEFLY: Duration = Duration::from_secs(1);

/// Time limit of the request to the previous owner, which answers from memory only.
const INHERIT_WITHIN: Duration = Duration::from_millis(200);

impl Group {
    /// Loads `key`, which this node holds, stores the result, and lands the flight. Ends
    /// early, without storing anything, when no caller waits any more and the source does
    /// not work for it yet.
    pub(super) async fn load_and_keep(
        self: Arc<Self>,
        retriever: SharedRetriever,
        key: Box<str>,
        hash: u64,
        flight: Load<Reply, Span>,
    ) {
        let inherited = tokio::select! {
            biased;
            () = flight.abandoned() => return,
            inherited = self.inherit(&key, hash) => inherited,
        };
        if let Some((fetched, since_ms)) = inherited {
            let (reply, entry) = self.value(fetched, Duration::ZERO);
            let reply = reply.map(|answer| Answer { origin: Origin::Peer, ..answer });
            let unchanged = || !self.changes.since(hash, since_ms);
            return self.land(flight, &key, hash, reply, entry, unchanged).await;
        }
        if let Some((reply, entry)) = self.load(&retriever, &key, &flight).await {
            self.land(flight, &key, hash, reply, entry, || true).await;
        }
    }

    /// Loads `key`, which this node does not hold, after the previous load of it has
    /// ended.
    pub(super) async fn load_in_turn(
        self: Arc<Self>,
        retriever: SharedRetriever,
        key: Box<str>,
        hash: u64,
        flight: Load<Reply, Span>,
    ) {
        self.fresh
            .in_turn(&key, hash, async || {
                let asked_ms = self.parts.clock.now_ms();
                if let Some((reply, entry)) = self.load(&retriever, &key, &flight).await {
                    self.keep_briefly(&key, hash, entry, asked_ms);
                    flight.land(reply, || ());
                }
            })
            .await;
    }

    /// Asks the source. `None`: no caller waits any more, and the source does not work for
    /// the load.
    pub(super) async fn load(
        &self,
        retriever: &SharedRetriever,
        key: &str,
        flight: &Load<Reply, Span>,
    ) -> Option<(Reply, Option<NewEntry>)> {
        let timer = self.counters.begin_load(LoadSource::Retriever);
        let asked = || flight.go_on();
        let asking = tokio::select! {
            biased;
            () = flight.abandoned() => {
                timer.end(LoadOutcome::Abandoned);
                spans::loaded(&Span::current(), LoadOutcome::Abandoned, &"nobody waits any more");
                return None;
            }
            fetched = self.ask(retriever, key, &asked) => fetched,
        };
        let took = timer.end(asking.outcome());
        asking.note(&Span::current());
        Some(match asking {
            Asked::Answered(Ok(Some(fetched))) => self.value(fetched, took),
            Asked::Answered(Ok(None)) => (Err(Error::NotFound), self.absence(took)),
            Asked::Answered(Err(error)) => {
                // The source can never have the key, so it need not be asked for it each time.
                let is_absent = matches!(error, FetchError::BadKey(_));
                let entry = if is_absent { self.absence(took) } else { None };
                (Err(self.failure(retriever.name(), error)), entry)
            }
            Asked::NotBegun { failures, next_ms } => {
                (Err(self.not_begun(retriever.name(), failures, next_ms)), None)
            }
        })
    }

    /// Caches a loaded value for one second while this node is out of touch, unless the
    /// group is [`Uncertain::Strict`].
    ///
    /// The second counts from before the source was asked: the answer may be slow, or
    /// this process may be suspended before it reads the answer.
    fn keep_briefly(&self, key: &str, hash: u64, entry: Option<NewEntry>, asked_ms: u64) {
        let is_out_of_touch = self.parts.ownership.is_out_of_touch();
        if !is_out_of_touch || self.config.load().uncertain == Uncertain::Strict {
            return;
        }
        let Some(entry) = entry else { return };
        let now_ms = self.parts.clock.now_ms();
        let until_ms = asked_ms + BRIEFLY.as_millis() as u64;
        let until_ms = entry.deadline_ms.map_or(until_ms, |at_ms| at_ms.min(until_ms));
        let value = entry.value.map(Into::into);
        if until_ms > now_ms {
            self.copies.insert(key, hash, Copy { value, until_ms, is_lent: false }, now_ms);
        }
    }

    /// Stores the entry, if there is one, and answers all waiters.
    pub(super) async fn land(
        &self,
        flight: Load<Reply, Span>,
        key: &str,
        hash: u64,
        reply: Reply,
        entry: Option<NewEntry>,
        may_keep: impl FnOnce() -> bool,
    ) {
        // 1. A load takes the lock of its flight. 2. It waits until the worker has made
        // room. 3. All keys of that lock's shard wait with it. So the room is reserved
        // first, and nothing under the lock can wait or fail.
        let kept = match entry {
            Some(entry) => self.room_for(key, &entry).await.map(|room| (room, entry)),
            None => None,
        };
        // The source has said what there is, or that nothing is.
        let is_answered = matches!(reply, Ok(_) | Err(Error::NotFound | Error::TooLarge { .. }));
        flight.land(reply, || {
            if kept.is_none() && is_answered {
                self.drop_stale(key, hash);
            }
            // 1. A load begins while this node holds the key. 2. This node loses the key,
            // and another node changes it. 3. The load ends with the old value.
            if let Some((room, entry)) = kept
                && (self.parts.ownership.holds(key::ring_hash(key))
                    || flaw::is(Flaw::LandingIsNotChecked))
                && may_keep()
            {
                self.parts.store.commit(room, key, hash, entry);
            }
        });
    }

    /// Asks the previous owner for its value of the key, so that the source need not be
    /// asked for every key after a node joins or leaves (rule 9). Returns the value, and
    /// the time since which the key must not have changed.
    async fn inherit(&self, key: &str, hash: u64) -> Option<(Fetched, u64)> {
        let inheritance = self.parts.ownership.inheritance(key::ring_hash(key))?;
        let since_ms = inheritance.unchanged_since_ms;
        if self.changes.since(hash, since_ms) {
            return None;
        }
        let timer = self.counters.begin_load(LoadSource::PreviousOwner);
        let call = PeerCall::Inherit { name: inheritance.name };
        let held = inheritance.from.ask(self.request(key, call), INHERIT_WITHIN).await;
        timer.end(match &held {
            Ok(Response::Value { .. }) => LoadOutcome::Found,
            Ok(_) | Err(RemoteError::Answered(Error::NotFound)) => LoadOutcome::NotFound,
            Err(_) => LoadOutcome::Unavailable,
        });
        let Ok(Response::Value { answer, .. }) = held else { return None };
        // The key may have changed while the answer was on its way. Then the answer is
        // outdated, and the source is asked instead.
        if self.changes.since(hash, since_ms) {
            return None;
        }
        // Copied, because a slice would keep the connection's whole buffer alive.
        let value = bytes::Bytes::copy_from_slice(&answer.value);
        Some((Fetched { value, ttl: answer.ttl }, since_ms))
    }

    fn value(&self, fetched: Fetched, took: Duration) -> (Reply, Option<NewEntry>) {
        let Fetched { value, ttl } = fetched;
        let (bytes, limit) = (value.len() as u64, self.config.load().max_value_bytes);
        if bytes > limit {
            let what = "the longest value that this group takes; raise `max-value`";
            return (Err(Error::TooLarge { bytes, limit, what }), None);
        }
        let ttl = ttl.map(|ttl| ttl.min(ttl::MAX_TTL)).or_else(|| self.default_ttl());
        let entry = self.entry(Some(value.clone()), ttl, took);
        (Ok(Answer { value: value.into(), origin: Origin::Loaded, ttl }), entry)
    }

    fn absence(&self, took: Duration) -> Option<NewEntry> {
        self.entry(None, Some(self.config.load().negative_ttl), took)
    }

    /// `None` if the time to live is zero, which means that the result must not be
    /// cached.
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

    /// Reserves room for a loaded entry. Without room the callers still get the value,
    /// and the next get loads it again.
    async fn room_for(&self, key: &str, entry: &NewEntry) -> Option<Reservation> {
        let value_len = entry.value.as_ref().map_or(0, bytes::Bytes::len);
        let refused = match self.room(key.len(), value_len).await {
            Ok(room) => return Some(room),
            Err(refused) => refused,
        };
        let too_large = matches!(refused, Error::TooLarge { .. });
        if too_large && !self.warned_of_oversize.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                group = self.name,
                "a loaded value was returned but is too large to be cached: {refused} (logged once)"
            );
        }
        None
    }
}
