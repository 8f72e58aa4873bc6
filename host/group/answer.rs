//! What other nodes ask of a group. Nothing here asks another node for what it
//! was asked: a new owner looks up at a previous one, and that answers from
//! memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::change::Kept;
use super::get::Keep;
use super::{Group, Reply};
use crate::error::Error;
use crate::key;
use crate::transport::remote::{Call, HandedOver, Request, Response};

impl Group {
    /// Answers another node within `within`.
    ///
    /// # Errors
    /// What a get, set, remove or clear of this node alone fails with.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn answer(
        self: &Arc<Self>,
        request: Request,
        within: Duration,
    ) -> Result<Response, Error> {
        let ring_version = request.ring_version;
        let cluster = &self.parts.cluster;
        let count = match request.call {
            Call::Get => {
                let key = key::parse(&request.key)?;
                return self.get_here(key, within).await.map(Response::Value);
            }
            Call::Lookup => {
                let held = self.look_up(key::parse(&request.key)?);
                return held.map_or(Ok(Response::NotHeld), |reply| reply.map(Response::Value));
            }
            Call::Set { value, ttl, seen } => {
                let key = key::parse(&request.key)?;
                match self.set_here(key, own(&value), ttl, seen).await? {
                    Kept::Yes => 1,
                    Kept::Overtaken { seen } => return Ok(Response::Overtaken { seen }),
                }
            }
            Call::Remove => u64::from(self.remove_here(key::parse(&request.key)?)),
            Call::Clear => self.clear_here(),
            Call::Missed { node } => {
                if !request.key.is_empty() {
                    key::parse(&request.key)?;
                }
                cluster.owe_as_told(&node, &request.group, &request.key)?;
                0
            }
            Call::Greet { .. } => {
                let problem = "a greeting is about no group".into();
                return Err(Error::InvalidArgument { argument: "call", problem });
            }
            Call::Handoff(entries) => self.take_over(entries).await,
        };
        Ok(Response::Done {
            count,
            ring_version: cluster.ring_version(),
            seen: self.changed_lately.latest(),
            also: cluster.audience_beyond(ring_version),
            process: cluster.process(),
        })
    }

    async fn get_here(self: &Arc<Self>, key: &str, within: Duration) -> Reply {
        let hash = self.parts.store.hash(key);
        if let Some(found) = self.held(key, hash) {
            return self.reply(found);
        }
        let load = self.load_once(key, hash, Keep::Fully);
        let late = |_| Err(Error::DeadlineExceeded { after: within });
        self.parts.clock.timeout(within, load).await.unwrap_or_else(late)
    }

    fn look_up(&self, key: &str) -> Option<Reply> {
        let hash = self.parts.store.hash(key);
        self.held(key, hash).map(|found| self.reply(found))
    }

    /// Keeps what is new among `entries`, and tells how much that was.
    async fn take_over(&self, entries: Vec<HandedOver>) -> u64 {
        let store = &self.parts.store;
        let mut kept = 0;
        for entry in entries {
            let Ok(key) = key::parse(&entry.key) else { continue };
            let hash = store.hash(key);
            let held = store.peek(key, hash).is_some();
            // The other node may have read it before it was told of a removal.
            if held || self.changed_lately.contains(hash, self.parts.clock.now_ms()) {
                continue;
            }
            kept += u64::from(self.adopt(key, hash, own(&entry.value), entry.ttl).await);
        }
        kept
    }
}

/// What came in is a slice of the connection's buffer, and would keep all of it
/// alive while the store counts the slice.
fn own(value: &Bytes) -> Bytes {
    Bytes::copy_from_slice(value)
}
