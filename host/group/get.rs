//! The whole read path, in the order of the calls.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument, Span};

use super::copies::Copy;
use super::fresh::Asked;
use super::singleflight::{Joined, Lost, Waiter};
use super::{Group, Reply};
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::ownership::{LENT_FOR, Owner};
use crate::retriever::SharedRetriever;
use crate::store::Found;
use crate::telemetry::{GetResult, spans};
use crate::transport::remote::{PeerCall, Remote, RemoteError, Response};
use crate::value::{Answer, Origin};

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
            Ok(answer) if answer.origin == Origin::Hot => GetResult::Hot,
            Ok(answer) if answer.origin == Origin::Peer => GetResult::Peer,
            Ok(_) | Err(Error::NotFound) => GetResult::Miss,
            Err(_) => GetResult::Error,
        };
        self.counters.count_get(result);
        (result, reply)
    }

    async fn get_missing(self: &Arc<Self>, key: &str, hash: u64, within: Duration) -> Reply {
        key::parse(key.as_bytes())?;
        let ring_hash = key::ring_hash(key);
        if let Some(reply) = self.copied(key, hash) {
            return reply;
        }
        match self.parts.ownership.owner(ring_hash) {
            Owner::Here => self.load_here(key, hash, ring_hash).await,
            Owner::There(owner) => self.ask_owner(&*owner, key, hash, within).await,
        }
    }

    /// Joins the load of a key that this node holds, or loads what it does not hold for
    /// this get. Also how a peer's request goes on after a miss: nothing from here on asks
    /// another node for what it loads, so two nodes that each take the other for the owner
    /// can't wait for each other.
    pub(super) async fn load_here(self: &Arc<Self>, key: &str, hash: u64, ring_hash: u64) -> Reply {
        if self.parts.ownership.holds(ring_hash) || flaw::is(Flaw::OthersShareLoads) {
            // 1. This node holds the key. 2. The thread is held up, and the node loses it.
            // 3. The load begins. Its landing finds out.
            #[cfg(feature = "flaws")]
            if let Some(held_up) = flaw::holds_up() {
                self.parts.clock.sleep(held_up).await;
            }
            self.load_once(key, hash).await
        } else {
            self.load_fresh(key, hash).await
        }
    }

    /// The owner's answer, which is not kept here unless the owner lent it. An owner that
    /// can't be reached is not waited for: this node loads by itself. One whose source is
    /// slow is waited for, see [`Remote::ask`].
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
        let asked_ms = self.parts.clock.now_ms();
        let reason = match owner.ask(self.request(key, PeerCall::Get), within).await {
            Ok(Response::Value { answer, lent_ms }) => {
                self.borrow(key, hash, &answer, asked_ms, lent_ms);
                return Ok(answer);
            }
            Ok(_) => "it answered something else".into(),
            Err(RemoteError::Unreachable(reason)) => reason,
            Err(RemoteError::Answered(Error::Stopping)) => "it is stopping".into(),
            // It speaks for a key of a group that it does not have as little as one that
            // is out of reach.
            Err(error) if error.is_of_unknown_group() => "it has no such group".into(),
            Err(RemoteError::Answered(error)) => return Err(error),
        };
        tracing::debug!(owner = owner.address(), reason, "loading in place of the owner");
        self.load_fresh(key, hash).await
    }

    /// Joins the load of `key` or starts it; what comes is kept.
    async fn load_once(self: &Arc<Self>, key: &str, hash: u64) -> Reply {
        let retriever = self.retriever()?;
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
                let load = Arc::clone(self).load_and_keep(retriever, key.into(), hash, flight);
                tokio::spawn(load.instrument(waiter.label().clone()));
                (waiter, Span::none())
            }
        };
        answer_of(waiter, wait).await
    }

    /// Loads `key` for gets that have begun, and for no later one.
    async fn load_fresh(self: &Arc<Self>, key: &str, hash: u64) -> Reply {
        let retriever = self.retriever()?;
        let span = || spans::flight(&self.config.name);
        let (waiter, wait) = match self.fresh.ask(key, hash, span) {
            Asked::Follows(waiter) => {
                let wait = spans::join(&self.config.name, waiter.label());
                (waiter, wait)
            }
            Asked::Leads(load, waiter) => {
                let load = Arc::clone(self).load_in_turn(retriever, key.into(), hash, load);
                tokio::spawn(load.instrument(waiter.label().clone()));
                (waiter, Span::none())
            }
        };
        answer_of(waiter, wait).await
    }

    fn retriever(&self) -> Result<SharedRetriever, Error> {
        let none = || Error::NoRetriever { group: self.config.name.clone() };
        self.parts.source.retriever().ok_or_else(none)
    }

    /// Answers a get from what memory holds of the key.
    pub(super) fn remembered(&self, found: Found) -> (GetResult, Reply) {
        let reply = self.reply(found);
        let result = match reply {
            Ok(_) => GetResult::Hit,
            Err(_) => GetResult::Negative,
        };
        self.counters.count_get(result);
        (result, reply)
    }

    /// What memory holds of the key, if this node may answer it. All that is in the store
    /// is the node's own, see `ownership::right`.
    pub(super) fn held(&self, key: &str, hash: u64) -> Option<Found> {
        if self.parts.ownership.is_certain() { self.parts.store.get(key, hash) } else { None }
    }

    /// A copy for a moment: lent by the owner, or made while this node was not certain
    /// and still is not.
    fn copied(&self, key: &str, hash: u64) -> Option<Reply> {
        let copy = self.copies.get(key, hash, || self.parts.clock.now_ms())?;
        if !copy.is_lent && self.parts.ownership.is_certain() {
            return None;
        }
        let ttl_ms = copy.until_ms.saturating_sub(self.parts.clock.now_ms());
        Some(copy.value.ok_or(Error::NotFound).map(|value| Answer {
            value,
            origin: if copy.is_lent { Origin::Hot } else { Origin::Hit },
            ttl: Some(Duration::from_millis(ttl_ms)),
        }))
    }

    /// Keeps what the owner lent for as long as it did, counted from before it was asked.
    fn borrow(&self, key: &str, hash: u64, answer: &Answer, asked_ms: u64, lent_ms: u64) {
        let now_ms = self.parts.clock.now_ms();
        let until_ms = asked_ms + lent_ms.min(LENT_FOR.as_millis() as u64);
        let until_ms = match answer.ttl {
            Some(ttl) => until_ms.min(asked_ms.saturating_add(ttl.as_millis() as u64)),
            None => until_ms,
        };
        if until_ms > now_ms {
            // As a slice it would keep the connection's whole buffer alive.
            let value = Bytes::copy_from_slice(&answer.value).into();
            let copy = Copy { value: Some(value), until_ms, is_lent: true };
            self.copies.insert(key, hash, copy, now_ms);
        }
    }

    pub(super) fn reply(&self, found: Found) -> Reply {
        let value = found.value.ok_or(Error::NotFound)?;
        let now_ms = || self.parts.clock.now_ms();
        let ttl = found.deadline_ms.map(|at_ms| at_ms.saturating_sub(now_ms()));
        Ok(Answer { value, origin: Origin::Hit, ttl: ttl.map(Duration::from_millis) })
    }
}

/// Waits for the answer of a load.
async fn answer_of(waiter: Waiter<Reply, Span>, wait: Span) -> Reply {
    waiter.instrument(wait).await.unwrap_or_else(|Lost| {
        let problem = "the load ended without an answer; the retriever panicked, or the node is \
                       stopping";
        Err(Error::Internal(problem.into()))
    })
}
