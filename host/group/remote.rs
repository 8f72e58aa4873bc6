//! Answers the requests of other nodes to a group.
//!
//! No request is forwarded to another node. A new owner may ask the previous owner for a
//! value (rule 9), which answers from memory only.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Group;
use super::change::Kept;
use super::lender::Borrower;
use crate::error::Error;
use crate::key;
use crate::membership::view::Name;
use crate::store::Found;
use crate::telemetry::Lookup;
use crate::transport::remote::{PeerCall, Request, Response};
use crate::value::{Answer, Origin};

impl Group {
    /// Answers a request of another node within `within`.
    ///
    /// # Errors
    /// The errors of a get, set, remove or clear on this node alone.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn answer(
        self: &Arc<Self>,
        request: Request,
        within: Duration,
    ) -> Result<Response, Error> {
        match request.call {
            PeerCall::Many { parts, most_bytes } => {
                self.answer_many(parts, most_bytes, request.revision, within).await
            }
            call => self.answer_one(&request.key, call, request.revision, within).await,
        }
    }

    /// Answers a single call, which may be a part of a [`PeerCall::Many`].
    pub(super) async fn answer_one(
        self: &Arc<Self>,
        key: &Bytes,
        call: PeerCall,
        revision: i64,
        within: Duration,
    ) -> Result<Response, Error> {
        let ownership = &self.parts.ownership;
        // The registration before anything is dropped. 1. A node drops everything, and waits
        // for copies to end. 2. Meanwhile it registers anew, and inherits an old value. 3. If
        // it answered with the new name, a clear would be confirmed.
        let name = if call.is_change() { ownership.name() } else { 0 };
        let done = |count| Ok(Response::Done { count, version: self.changes.latest(), name });
        match call {
            PeerCall::Get => self.get_for_another(key::parse(key)?, within).await,
            PeerCall::Inherit { name } => Ok(self.give(key::parse(key)?, name)),
            PeerCall::Set { value, ttl, version } => {
                let key = key::parse(key)?;
                match self.set_here(key, own(&value), ttl, version).await? {
                    Kept::Yes if self.confirms(key, name).await => done(1),
                    Kept::Yes | Kept::NotHolder => Ok(self.not_holder(revision)),
                    Kept::Overtaken { version } => Ok(Response::Overtaken { version }),
                }
            }
            PeerCall::Remove => {
                let key = key::parse(key)?;
                let existed = self.remove_here(key);
                match self.confirms(key, name).await {
                    true => done(existed.into()),
                    false => Ok(self.not_holder(revision)),
                }
            }
            PeerCall::Clear => {
                let dropped = self.clear_here();
                self.copies_end().await;
                done(dropped)
            }
            PeerCall::Handover { from, name, entries } => {
                done(self.take_over(&from, name, entries, within).await)
            }
            call @ (PeerCall::Hello(_) | PeerCall::Join { .. } | PeerCall::Vouch { .. }) => {
                ownership.answer(call, within).await
            }
            PeerCall::Many { .. } => {
                let problem = "several calls within several".into();
                Err(Error::InvalidArgument { argument: "call", problem })
            }
        }
    }

    fn not_holder(&self, revision: i64) -> Response {
        self.parts.ownership.not_holder(revision)
    }

    async fn get_for_another(
        self: &Arc<Self>,
        key: &str,
        within: Duration,
    ) -> Result<Response, Error> {
        let hash = self.parts.store.hash(key);
        let is_hot = self.lender.is_hot(Borrower::Node, hash);
        if let Some(found) = self.held(key, hash) {
            return self.found_for_another(key, hash, found, is_hot);
        }
        let loaded = self.load_in_time(key, hash, key::ring_hash(key), within).await;
        loaded.map(|answer| Response::Value { answer, lent_ms: 0 })
    }

    /// Answers a get of another node from memory, and lends the value if its key is hot. `None`,
    /// and nothing counted: the key is not there, or is none.
    pub(crate) fn answer_from_memory(
        self: &Arc<Self>,
        key: &[u8],
    ) -> Option<Result<Response, Error>> {
        let key = key::parse(key).ok()?;
        let hash = self.parts.store.hash(key);
        let found = self.held(key, hash)?;
        let is_hot = self.lender.is_hot(Borrower::Node, hash);
        Some(self.found_for_another(key, hash, found, is_hot))
    }

    fn found_for_another(
        self: &Arc<Self>,
        key: &str,
        hash: u64,
        found: Found,
        is_hot: bool,
    ) -> Result<Response, Error> {
        self.counters.count_lookup(Lookup::FoundForAnother);
        let lent = if is_hot { self.lend(key, hash) } else { None };
        let (found, lent_ms) = lent.unwrap_or((found, 0));
        self.used(key, hash, found).map(|answer| Response::Value { answer, lent_ms })
    }

    /// This node's former value of a key that another node owns now. `name` is the
    /// registration of the new owner, or this node's own if it is leaving.
    fn give(&self, key: &str, name: Name) -> Response {
        let now_ms = self.parts.clock.now_ms();
        let left = match self.parts.ownership.leaves_as(name) {
            true => {
                let store = &self.parts.store;
                let found = store.peek(key, store.hash(key));
                found.and_then(|found| Some((found.value?, found.left_ms)))
            }
            false => self.inheritance.give(key, name, now_ms).map(|held| {
                let left_ms = held.deadline_ms.map(|at_ms| at_ms.saturating_sub(now_ms));
                (held.value, left_ms)
            }),
        };
        let Some((value, left_ms)) = left else { return Response::NotHeld };
        let ttl = left_ms.map(Duration::from_millis);
        if ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Response::NotHeld;
        }
        Response::Value { answer: Answer { value, origin: Origin::Hit, ttl }, lent_ms: 0 }
    }
}

/// Copies a received value. It is a slice of the connection's buffer, which it would keep
/// alive as a whole, while the store counts only the slice.
pub(super) fn own(value: &Bytes) -> Bytes {
    Bytes::copy_from_slice(value)
}
