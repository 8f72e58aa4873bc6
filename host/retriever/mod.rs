//! The contract of a data source, and the pool of its connections.

#[cfg(feature = "plugins")]
mod pool;

#[cfg(feature = "plugins")]
pub(crate) use pool::{Pool, PoolConfig};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

/// A data source as a group sees it: any number of loads at a time.
pub trait Retriever: Send + Sync {
    /// The value of `key`; `None`: the source answered and has no such key.
    /// Dropping the future cancels the load.
    ///
    /// # Errors
    /// See [`FetchError`]. A load that takes longer than `timeout` fails.
    fn fetch<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>>;

    /// The same, and calls `asked` once the source works for this load and would go on with
    /// it if the load were cancelled, as a database does with a query. A group lets such a
    /// load come to its end even when no caller waits any more, so that later gets of the
    /// key join it and never more loads run than the retriever allows. Never called by
    /// default.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    fn fetch_telling<'a>(
        &'a self,
        key: &'a str,
        timeout: Duration,
        asked: &'a (dyn Fn() + Sync),
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>> {
        let _ = asked;
        self.fetch(key, timeout)
    }

    /// The name of the built-in or the path of the file, for status and metrics.
    fn name(&self) -> &str;

    /// Digest of the component in hexadecimal; empty for native code.
    fn sha256(&self) -> &str {
        ""
    }
}

/// Makes connections to one data source, which is a loaded component or native code.
#[doc(hidden)]
pub trait ConnectionSource: Send + Sync + 'static {
    /// Makes a configured connection. It need not reach the source yet.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, FetchError>>;

    /// See [`Retriever::name`].
    fn name(&self) -> &str;

    /// See [`Retriever::sha256`].
    fn sha256(&self) -> &str {
        ""
    }
}

/// The state of one connection, which runs one load at a time.
#[doc(hidden)]
pub trait Connection: Send {
    /// See [`Retriever::fetch`]. After [`FetchError::Broken`] or
    /// [`FetchError::Timeout`], or when the future was dropped before it ended, the
    /// connection must not be used again.
    fn fetch<'a>(
        &'a mut self,
        key: &'a str,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Option<Fetched>, FetchError>>;
}

/// What a source answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The value.
    pub value: Bytes,
    /// How long it may be kept; `None`: the group's default.
    pub ttl: Option<Duration>,
}

impl Fetched {
    /// A value that may be kept for `ttl`; `None`: for as long as the group's default says.
    pub fn new(value: impl Into<Bytes>, ttl: Option<Duration>) -> Self {
        Self { value: value.into(), ttl }
    }
}

/// Why a source gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A retry may help: refused, reset, overloaded.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A retry will not help: authentication, permission, a bad query.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The key can never exist in this source.
    #[error("bad key: {0}")]
    BadKey(String),
    /// There is a value, but it can't be cached.
    #[error("bad value: {0}")]
    BadValue(String),
    /// No answer within the time allowed.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The plugin itself failed: it trapped, or wanted too much memory.
    #[error("the retriever failed: {0}")]
    Broken(String),
}

/// A shared retriever.
pub type SharedRetriever = Arc<dyn Retriever>;
