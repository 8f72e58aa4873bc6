//! A group of the cluster, and the calls of one key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::ask::Asker;
use super::borrowed::Borrowed;
use super::{Error, call};
use crate::key;
use crate::proto::session_request::Call;
use crate::proto::session_response::Answer as Answered;
use crate::proto::{ClearRequest, GetRequest, RemoveRequest, SetRequest};
use crate::value::Ttl;

/// A group of the cluster, see [`Client::group`](super::Client::group). Clones share the
/// connections of the client.
#[derive(Clone, Debug)]
pub struct Group {
    pub(super) asker: Asker,
    borrowed: Arc<Borrowed>,
    pub(super) name: Bytes,
}

impl Group {
    pub(super) fn new(asker: Asker, borrowed: Arc<Borrowed>, name: Bytes) -> Self {
        Self { asker, borrowed, name }
    }

    /// Returns the same group with this timeout for its calls.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let asker = Asker { timeout, ..self.asker.clone() };
        Self { asker, ..self.clone() }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`Error`]; [`Reason::NotFound`](super::Reason::NotFound): the source has no such key.
    pub async fn get(&self, key: &str) -> Result<Answer, Error> {
        let hash = key::ring_hash(key);
        if let Some(copy) = self.borrowed.get(&self.name, key, hash) {
            return Ok(copy);
        }
        let asked_ms = self.borrowed.asks();
        let may_lend = asked_ms.is_some();
        let call = Call::Get(GetRequest { group: self.name.clone(), key: bytes(key), may_lend });
        match self.asker.ask(Some(key), call).await? {
            Answered::Get(found) => {
                let lent_ms = found.lent_ms;
                let answer = call::found(found);
                if let Some(asked_ms) = asked_ms {
                    let of = (&self.name, key, hash);
                    self.borrowed.keep(of, &answer, (asked_ms, lent_ms));
                }
                Ok(answer)
            }
            other => Err(Error::strange(&other)),
        }
    }

    /// Replaces the value of the key on every node. A `ttl` of `None` is the default of the
    /// group; [`Ttl::NoLimit`] is none.
    ///
    /// If the connection breaks before the answer comes, the client waits until half of the
    /// timeout has passed, and then asks another node. The first one does not begin the set
    /// after that, so it can't replace the value of a later change.
    ///
    /// Dropping the future cancels the set, but the node may have begun it. Do not make another
    /// change of the key before the timeout has passed.
    ///
    /// # Errors
    /// [`Error`]; [`Reason::NotConfirmed`](super::Reason::NotConfirmed): some node may still
    /// answer with an older value.
    pub async fn set(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        ttl: impl Into<Ttl>,
    ) -> Result<(), Error> {
        let (ttl_ms, no_expiry) = call::ttl(ttl.into())?;
        let (group, value) = (self.name.clone(), value.into());
        let call = Call::Set(SetRequest { group, key: bytes(key), value, ttl_ms, no_expiry });
        match self.asker.ask_to_set(key, call).await? {
            Answered::Set(_) => Ok(()),
            other => Err(Error::strange(&other)),
        }
    }

    /// Drops the key on every node. Returns whether a node held it.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn remove(&self, key: &str) -> Result<bool, Error> {
        let call = Call::Remove(RemoveRequest { group: self.name.clone(), key: bytes(key) });
        match self.asker.ask(Some(key), call).await? {
            Answered::Remove(removed) => Ok(removed.existed),
            other => Err(Error::strange(&other)),
        }
    }

    /// Drops every entry of the group. Returns how many there were.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub async fn clear(&self) -> Result<u64, Error> {
        let call = Call::Clear(ClearRequest { group: self.name.clone() });
        match self.asker.ask(None, call).await? {
            Answered::Clear(cleared) => Ok(cleared.entries),
            other => Err(Error::strange(&other)),
        }
    }
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
