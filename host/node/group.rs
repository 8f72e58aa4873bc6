//! A group of a node, for the program that has the node in itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::group::Group;
use crate::value::Answer;

/// How long a call waits unless it is told otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of the values of one [`get_many`](GroupHandle::get_many).
const MANY_BYTES: u64 = 64 << 20;

/// A group of a node in this program. Cheap to clone.
///
/// Every call waits for five seconds at most, or as long as
/// [`with_timeout`](Self::with_timeout) says. Calls must run inside of a tokio runtime.
#[derive(Clone)]
pub struct GroupHandle {
    group: Arc<Group>,
    timeout: Duration,
}

impl GroupHandle {
    pub(super) fn new(group: Arc<Group>) -> Self {
        Self { group, timeout: TIMEOUT }
    }

    /// The same group; calls wait for `timeout` at most.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The value of `key`: from memory, else from the node that owns the key, else loaded
    /// once, however many ask. Dropping the future gives up this caller's wait only.
    ///
    /// # Errors
    /// [`Error::NotFound`]: the source has no such key. Any other: see there.
    pub async fn get(&self, key: &str) -> Result<Answer, Error> {
        self.group.get(key, self.timeout).await
    }

    /// The values of `keys`, in their order, of 64 MiB together at most.
    pub async fn get_many<K: AsRef<str>>(&self, keys: &[K]) -> Vec<Result<Answer, Error>> {
        self.group.get_many(keys, self.timeout, MANY_BYTES).await
    }

    /// Puts a value in place of what is held of `key`, for the time that the group keeps
    /// values.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::NotConfirmed`]: the value may be kept or not.
    pub async fn set(&self, key: &str, value: impl Into<Bytes>) -> Result<(), Error> {
        self.group.set(key, value.into(), None, self.timeout).await
    }

    /// The same, for `ttl`.
    ///
    /// # Errors
    /// Those of [`set`](Self::set); [`Error::InvalidArgument`]: `ttl` is zero, or longer
    /// than ten years.
    pub async fn set_for(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        ttl: Duration,
    ) -> Result<(), Error> {
        self.group.set(key, value.into(), Some(ttl), self.timeout).await
    }

    /// Drops what is held of `key`. Answers whether a value was held.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`]: the owner did not answer in time. The removal goes on.
    pub async fn remove(&self, key: &str) -> Result<bool, Error> {
        self.group.remove(key, self.timeout).await
    }

    /// Drops everything that any node holds of the group. Answers how many entries there
    /// were.
    ///
    /// # Errors
    /// [`Error::NotConfirmed`] names the nodes that did not answer.
    pub async fn clear(&self) -> Result<u64, Error> {
        self.group.clear(self.timeout).await
    }
}

impl fmt::Debug for GroupHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle")
            .field("name", &self.group.config().name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
