//! A get up to its load: from memory, from a copy, from the owner; and whether its value is
//! lent.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Instrument, Span};

use super::lender::Borrower;
use super::singleflight::{Joined, Lost};
use super::{Group, Reply, Results, held_answer};
use crate::copies::LENT_FOR;
use crate::error::Error;
use crate::flaw::{self, Flaw};
use crate::key;
use crate::ownership::Owner;
use crate::retriever::SharedRetriever;
use crate::store::Found;
use crate::telemetry::{GetResult, Lookup, spans};
use crate::transport::remote::{PeerCall, Remote, RemoteError, Response};
use crate::value::{Answer, Origin};

impl Group {
    /// Returns the value of `key` from memory, or loads it once for all concurrent
    /// callers. Waits at most `within`. Dropping the future ends only this caller's wait.
    /// The load is cancelled when no other caller waits for it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the source has no such key. A failed load fails for all its
    /// waiters, and is not cached.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get(self: &Arc<Self>, key: &str, within: Duration) -> Result<Answer, Error> {
        self.get_and_tell(key, within).await.1
    }

    /// Like [`get`](Self::get), and also returns how the get was counted.
    pub(crate) async fn get_and_tell(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
    ) -> (GetResult, Reply) {
        let hash = self.parts.store.hash(key);
        if let Some(found) = self.held(key, hash) {
            return self.remembered(key, hash, found);
        }
        // On the heap: a hit is the usual case, and its callers move this future around.
        let reply = Box::pin(self.get_missing(key, hash, within)).await;
        let result = match &reply {
            Ok(answer) if answer.origin == Origin::Hot => GetResult::Hot,
            Ok(answer) if answer.origin == Origin::Stale => GetResult::Stale,
            Ok(answer) if answer.origin == Origin::Peer => GetResult::Peer,
            Ok(_) | Err(Error::NotFound) => GetResult::Miss,
            Err(_) => GetResult::Error,
        };
        self.counters.count_get(result);
        (result, reply)
    }

    /// Like [`get`](Self::get), for a client that may keep the value of a hot key. Also
    /// returns how the get was counted, and for how many milliseconds the client may return
    /// the value, from before it asked; 0: not at all.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn get_and_lend(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
    ) -> (GetResult, Reply, u64) {
        let hash = self.parts.store.hash(key);
        if self.lender.is_hot(Borrower::Client, hash)
            && let Some(found) = self.held(key, hash)
        {
            let (found, lent_ms) = self.lend(key, hash).unwrap_or((found, 0));
            let (result, reply) = self.remembered(key, hash, found);
            return (result, reply, lent_ms);
        }
        let (result, reply) = self.get_and_tell(key, within).await;
        (result, reply, 0)
    }

    /// Answers a get from memory, and counts it. `None`, and nothing counted: the key is not
    /// there.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn get_from_memory(self: &Arc<Self>, key: &str) -> Option<(GetResult, Reply)> {
        let hash = self.parts.store.hash(key);
        let found = self.held(key, hash)?;
        Some(self.remembered(key, hash, found))
    }

    /// The same for several keys, in the same order.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(crate) fn get_many_from_memory(self: &Arc<Self>, keys: &[&str]) -> Vec<Option<Reply>> {
        let hash = |key| self.parts.store.hash(key);
        let keys: Vec<(&str, u64)> = keys.iter().map(|key| (*key, hash(key))).collect();
        let mut results = Results::default();
        let found = self.held_many(&keys).into_iter().zip(&keys);
        let replies = found.map(|(found, (key, hash))| {
            let reply = self.used(key, *hash, found?);
            results.add(&reply);
            Some(reply)
        });
        let replies = replies.collect();
        results.count(&self.counters);
        replies
    }

    /// The value of `key` in this node's memory, without a load and without counting a use of
    /// it. A node has the keys that it owns, and short-lived copies of others.
    pub(crate) fn peek(&self, key: &str) -> Option<Answer> {
        let (store, hash) = (&self.parts.store, self.parts.store.hash(key));
        let is_certain = self.parts.ownership.is_certain();
        let held = if is_certain { store.peek(key, hash) } else { None };
        match held {
            Some(found) => held_answer::answer(found).ok(),
            None => self.copied(key, hash)?.ok(),
        }
    }

    async fn get_missing(self: &Arc<Self>, key: &str, hash: u64, within: Duration) -> Reply {
        key::parse(key.as_bytes())?;
        let ring_hash = key::ring_hash(key);
        if let Some(reply) = self.copied(key, hash) {
            return reply;
        }
        match self.parts.ownership.owner(ring_hash) {
            Owner::Here => self.load_in_time(key, hash, ring_hash, within).await,
            Owner::There(owner) => self.ask_owner(&*owner, key, hash, within).await,
        }
    }

    /// Loads here, and waits for at most `within`.
    pub(super) async fn load_in_time(
        self: &Arc<Self>,
        key: &str,
        hash: u64,
        ring_hash: u64,
        within: Duration,
    ) -> Reply {
        // On the heap, as its callers move this future around.
        let load = Box::pin(self.load_here(key, hash, ring_hash));
        let ended = self.parts.clock.timeout(within, load).await;
        ended.unwrap_or_else(|_| self.late(key, hash, within))
    }

    /// The reply to a caller whose time has passed.
    fn late(&self, key: &str, hash: u64, within: Duration) -> Reply {
        self.or_stale(key, hash, Err(Error::DeadlineExceeded { after: within }))
    }

    /// Joins or starts a load on this node. If it does not hold the key, only gets that
    /// began before the load share it. A peer's request also continues here after a miss.
    /// From here on no other node is asked to load the key, so two nodes that consider
    /// each other the owner can't wait for each other.
    async fn load_here(self: &Arc<Self>, key: &str, hash: u64, ring_hash: u64) -> Reply {
        let holds = self.parts.ownership.holds(ring_hash) || flaw::is(Flaw::OthersShareLoads);
        if holds {
            self.counters.count_lookup(Lookup::Missed);
            self.parts.store.missed(key, hash);
            // 1. This node holds the key. 2. The thread is suspended, and the node loses
            // the key. 3. The load begins. Its landing detects the loss.
            #[cfg(feature = "flaws")]
            if let Some(held_up) = flaw::holds_up() {
                self.parts.clock.sleep(held_up).await;
            }
        }
        if let Some(reply) = self.stale_at_once(key, hash) {
            return reply;
        }
        let reply = self.join_load(key, hash, holds).await;
        self.or_stale(key, hash, reply)
    }

    /// Asks the owner, and returns its answer. The answer is kept here only if the owner
    /// lent it. If the owner can't be reached, this node loads by itself. An owner with a
    /// slow source is waited for, see [`Remote::ask`].
    async fn ask_owner(
        self: &Arc<Self>,
        owner: &dyn Remote,
        key: &str,
        hash: u64,
        within: Duration,
    ) -> Reply {
        // Each get sends its own request, and the owner loads once for all of them. If
        // gets shared a request here, a get that begins after a removal could join a
        // request from before it.
        let asked_ms = self.parts.clock.now_ms();
        let answer = owner.ask(self.request(key, PeerCall::Get), within).await;
        self.without_group.note(&self.name, owner.address(), &answer);
        let reason = match answer {
            Ok(Response::Value { answer, lent_ms }) => {
                if lent_ms > 0 {
                    let now_ms = self.parts.clock.now_ms();
                    self.copies.borrow((key, hash), &answer, (asked_ms, lent_ms), now_ms);
                }
                return Ok(answer);
            }
            Ok(Response::NotHolder { reason, .. }) => reason,
            Ok(_) => "it answered something else".into(),
            Err(RemoteError::Unreachable(reason)) => reason,
            // It lives, and its load may still bring the value. The caller's time is over, so a
            // second load would be for nobody.
            Err(RemoteError::Late) => return Err(Error::DeadlineExceeded { after: within }),
            Err(RemoteError::Answered(Error::Stopping)) => "it is stopping".into(),
            // An owner without the group can't answer for its keys, like an owner out of
            // reach.
            Err(error) if error.is_of_unknown_group() => "it has no such group".into(),
            Err(RemoteError::Answered(error)) => return Err(error),
        };
        tracing::debug!(owner = owner.address(), reason, "loading in place of the owner");
        let asked_for = Duration::from_millis(self.parts.clock.now_ms() - asked_ms);
        let load = Box::pin(self.join_load(key, hash, false));
        let ended = self.parts.clock.timeout(within.saturating_sub(asked_for), load).await;
        ended.unwrap_or_else(|_| self.late(key, hash, within))
    }

    /// Joins a load of `key`, or starts one. If this node `holds` the key, that may be a load
    /// under way, and its result is stored. If not, only one that has not begun, and its
    /// result is not stored.
    async fn join_load(self: &Arc<Self>, key: &str, hash: u64, holds: bool) -> Reply {
        let retriever = self.retriever()?;
        let span = || spans::flight(&self.name);
        let joined = if holds {
            let recheck = || self.held(key, hash).map(held_answer::answer);
            self.flights.join(key, hash, recheck, span)
        } else {
            self.fresh.join(key, hash, span)
        };
        let (waiter, wait) = match joined {
            Joined::Ready(reply) => return reply,
            Joined::Follower(waiter) => {
                let wait = spans::join(&self.name, waiter.label());
                (waiter, wait)
            }
            Joined::Leader(flight, waiter) => {
                // 1. The first caller starts the load. 2. Others join it. 3. The first
                // drops its future. If the load were part of that future, all would fail.
                let (group, key, label) = (Arc::clone(self), key.into(), waiter.label().clone());
                if holds {
                    let load = group.load_and_keep(retriever, key, hash, flight);
                    tokio::spawn(load.instrument(label));
                } else {
                    let load = group.load_in_turn(retriever, key, hash, flight);
                    tokio::spawn(load.instrument(label));
                }
                (waiter, Span::none())
            }
        };
        waiter.instrument(wait).await.unwrap_or_else(|Lost| {
            let problem = "the load ended without an answer; the retriever panicked, or the node \
                           is stopping";
            Err(Error::Internal(problem.into()))
        })
    }

    fn retriever(&self) -> Result<SharedRetriever, Error> {
        let none = || Error::NoRetriever { group: self.name.clone() };
        self.parts.source.retriever().ok_or_else(none)
    }

    /// Answers a get with an entry from memory, and counts it.
    pub(super) fn remembered(
        self: &Arc<Self>,
        key: &str,
        hash: u64,
        found: Found,
    ) -> (GetResult, Reply) {
        let reply = self.used(key, hash, found);
        let result = held_answer::result(&reply);
        self.counters.count_get(result);
        (result, reply)
    }

    /// The entry of the key in memory, if this node may return it. The owner is not
    /// looked up: all entries in the store of a node that is certain are its own, see
    /// `ownership::step`.
    pub(super) fn held(&self, key: &str, hash: u64) -> Option<Found> {
        if self.parts.ownership.is_certain() { self.parts.store.get(key, hash) } else { None }
    }

    /// The same for several keys with their hashes.
    pub(crate) fn held_many(&self, keys: &[(&str, u64)]) -> Vec<Option<Found>> {
        match self.parts.ownership.is_certain() {
            true => self.parts.store.get_many(keys),
            false => vec![None; keys.len()],
        }
    }

    /// A short-lived copy of the value: lent by the owner, or made while this node was
    /// uncertain, if it still is.
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

    /// Lends the value of a hot key. Returns the value, and for how many milliseconds the borrower
    /// may return it. The use of the value was counted.
    pub(super) fn lend(&self, key: &str, hash: u64) -> Option<(Found, u64)> {
        let ownership = &self.parts.ownership;
        // 1. This reads the value. 2. A change drops it, finds no lent copy, and is
        // confirmed. 3. This notes the copy, too late. So both happen while no change
        // runs.
        let found = self.flights.undisturbed(hash, || {
            let found = self.parts.store.peek(key, hash).filter(|found| found.value.is_some())?;
            self.lender.lend(hash, self.parts.clock.now_ms(), LENT_FOR);
            Some(found)
        })?;
        // Read after the note: a joiner that waits for copies to end either sees the note
        // or is seen here.
        let lent_ms = ownership.may_lend_ms().min(LENT_FOR.as_millis() as u64);
        ownership.holds(key::ring_hash(key)).then_some((found, lent_ms))
    }
}
