//! The contract of a data source, the line before it, and the pool of its connections.

mod line;
#[cfg(feature = "plugins")]
mod pool;
mod reading;

pub(crate) use line::Line;
#[cfg(feature = "plugins")]
pub(crate) use pool::{Pool, PoolConfig};
pub use reading::SourceReading;

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

    /// Whether [`fetch_many`](Self::fetch_many) costs the source less than the same keys one by
    /// one. Then loads that wait for a place, and loads that begin together, share one call.
    fn fetches_many(&self) -> bool {
        false
    }

    /// The values of several keys, in their order, each as [`fetch`](Self::fetch) answers it. An
    /// empty list: the source can't be asked so, as it is configured. It is not asked so again.
    /// Called only if [`fetches_many`](Self::fetches_many), with at most 128 keys.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), for all keys. If it may be the fault of one of them, each key
    /// is loaded by itself after it.
    fn fetch_many<'a>(
        &'a self,
        keys: &'a [&'a str],
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, FetchError>> {
        Box::pin(async move {
            Ok(futures::future::join_all(keys.iter().map(|key| self.fetch(key, timeout))).await)
        })
    }

    /// Asks the source whether it answers, cheaply. `None`: the retriever can't do that.
    fn probe(&self, timeout: Duration) -> Option<BoxFuture<'_, Result<(), FetchError>>> {
        let _ = timeout;
        None
    }

    /// Whether a load would have to wait for a place.
    #[doc(hidden)]
    fn is_busy(&self) -> bool {
        false
    }

    /// What is measured of the loads.
    #[doc(hidden)]
    fn reading(&self) -> SourceReading {
        SourceReading::default()
    }

    /// The name of the built-in or the path of the file, for status and metrics.
    fn name(&self) -> &str;

    /// Digest of the component in hexadecimal; empty for native code.
    fn sha256(&self) -> &str {
        ""
    }
}

/// What a source says of one key: its value, or that there is none.
pub type Answer = Result<Option<Fetched>, FetchError>;

/// Makes connections to one data source, which is a loaded component or native code.
#[doc(hidden)]
pub trait ConnectionSource: Send + Sync + 'static {
    /// Makes a configured connection. It need not reach the source yet.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, FetchError>>;

    /// Whether its connections have [`Connection::fetch_many`].
    fn fetches_many(&self) -> bool {
        false
    }

    /// Whether its connections have [`Connection::ping`].
    fn pings(&self) -> bool {
        false
    }

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

    /// See [`Retriever::fetch_many`].
    fn fetch_many<'a>(
        &'a mut self,
        keys: &'a [&'a str],
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, FetchError>> {
        let _ = (keys, timeout);
        Box::pin(async { Err(FetchError::Broken("it takes one key at a time".into())) })
    }

    /// Asks the source whether it answers.
    fn ping(&mut self, timeout: Duration) -> BoxFuture<'_, Result<(), FetchError>> {
        let _ = timeout;
        Box::pin(async { Ok(()) })
    }
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
    /// The source was not asked, because so many loads wait for it already.
    #[error("{0} loads wait for a place already")]
    Full(u32),
}

/// How many loads a group has at its source, and which instances of a component are kept for
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadLimits {
    /// The most loads at a time. `None`: as many as the pool has instances for a component, any
    /// number for native code.
    pub max_loads: Option<u32>,
    /// The most instances of a component; at least 1.
    pub pool_size: u32,
    /// How long an instance is kept that is not used.
    pub pool_idle: Duration,
    /// The most loads that wait for a place; further ones fail at once.
    pub pool_queue: u32,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self {
            max_loads: None,
            pool_size: 8,
            pool_idle: Duration::from_secs(300),
            pool_queue: 10_000,
        }
    }
}

/// A shared retriever.
pub type SharedRetriever = Arc<dyn Retriever>;
