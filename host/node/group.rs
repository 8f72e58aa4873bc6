//! The handle of a group, for a program that embeds the node.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::group::Group;
use crate::value::{Answer, Ttl};

/// Default time limit of a call.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of the values of one [`get_many`](GroupHandle::get_many).
const MANY_BYTES: u64 = 64 << 20;

/// A group of a node in this program. Cheap to clone.
///
/// The time limit of a call is five seconds unless it is changed by
/// [`with_timeout`](Self::with_timeout). Calls must run inside a tokio runtime.
#[derive(Clone)]
pub struct GroupHandle {
    group: Arc<Group>,
    timeout: Duration,
}

impl GroupHandle {
    pub(super) fn new(group: Arc<Group>) -> Self {
        Self { group, timeout: TIMEOUT }
    }

    /// The same group with `timeout` as the time limit of calls.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns the value of `key` from memory or from the node that owns the key. If it is
    /// cached nowhere, it is loaded, once for all concurrent callers. Dropping the future
    /// ends only this caller's wait.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the source has no such key; otherwise see [`Error`].
    pub async fn get(&self, key: &str) -> Result<Answer, Error> {
        self.group.get(key, self.timeout).await
    }

    /// Returns the values of `keys`, in their order, at most 64 MiB in total.
    pub async fn get_many<K: AsRef<str>>(&self, keys: &[K]) -> Vec<Result<Answer, Error>> {
        self.group.get_many(keys, self.timeout, MANY_BYTES).await
    }

    /// Sets the value of `key`, with the time to live of the group.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the value is too large. [`Error::NotConfirmed`] if it is
    /// unknown whether the value was set.
    pub async fn set(&self, key: &str, value: impl Into<Bytes>) -> Result<(), Error> {
        self.group.set(key, value.into(), None, self.timeout).await
    }

    /// Sets the value of `key`, with the time to live `ttl`; [`Ttl::NoLimit`] for none.
    ///
    /// # Errors
    /// Those of [`set`](Self::set), and [`Error::InvalidArgument`] if `ttl` is zero or longer
    /// than ten years.
    pub async fn set_for(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        ttl: impl Into<Ttl>,
    ) -> Result<(), Error> {
        self.group.set(key, value.into(), ttl, self.timeout).await
    }

    /// Removes `key` from the cache. Returns whether a value was cached.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] if the owner did not answer in time. The removal goes on.
    pub async fn remove(&self, key: &str) -> Result<bool, Error> {
        self.group.remove(key, self.timeout).await
    }

    /// Removes every entry of the group on every node. Returns the number of entries.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] lists the nodes that did not answer.
    pub async fn clear(&self) -> Result<u64, Error> {
        self.group.clear(self.timeout).await
    }
}

impl fmt::Debug for GroupHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle")
            .field("name", &self.group.name())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
