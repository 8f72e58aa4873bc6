//! What a data source must do.

use std::fmt;

use crate::{ConfigError, Options};

/// What a retriever is configured with.
#[derive(Clone, Default)]
pub struct RetrieverConfig {
    /// The group it serves.
    pub group: String,
    /// `name = value` pairs as the operator wrote them; see [`RetrieverConfig::options`].
    pub pairs: Vec<(String, String)>,
    /// The same for what must never be printed; see [`RetrieverConfig::secrets`].
    pub secret_pairs: Vec<(String, String)>,
}

impl RetrieverConfig {
    /// A reader over the options.
    pub fn options(&self) -> Options<'_> {
        Options::new(&self.pairs)
    }

    /// A reader over the secrets.
    pub fn secrets(&self) -> Options<'_> {
        Options::new(&self.secret_pairs)
    }

    /// Adds an option.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.secret_pairs.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl fmt::Debug for RetrieverConfig {
    /// Without the secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = out.debug_struct("RetrieverConfig");
        fields.field("group", &self.group).field("pairs", &self.pairs).finish_non_exhaustive()
    }
}

/// A value from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes to cache.
    pub value: Vec<u8>,
    /// How long they may be kept, in milliseconds; `None`: the group's default.
    pub ttl_ms: Option<u64>,
}

impl From<Vec<u8>> for Fetched {
    /// A value that may be kept for the group's default.
    fn from(value: Vec<u8>) -> Self {
        Self { value, ttl_ms: None }
    }
}

/// Why a fetch failed. Each case carries a message for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// A retry may help: refused, reset, timed out, overloaded.
    Unavailable(String),
    /// A retry will not help: authentication, permission, a bad query.
    Rejected(String),
    /// The key can never exist in this source.
    BadKey(String),
    /// The row exists but is no cacheable value.
    BadValue(String),
}

impl fmt::Display for FetchError {
    /// The message alone.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unavailable(message)
        | Self::Rejected(message)
        | Self::BadKey(message)
        | Self::BadValue(message)) = self;
        out.write_str(message)
    }
}

/// A data source that fills a group's misses. One instance is one connection's worth
/// of state: the node keeps a pool of them and gives each call an idle one.
pub trait Retriever: Sized {
    /// Builds the retriever from its options. Must not connect: a source that is
    /// down must not keep a node from starting.
    ///
    /// # Errors
    /// An option that is unknown, missing or has a value that makes no sense.
    fn configure(config: &RetrieverConfig) -> Result<Self, ConfigError>;

    /// The value of `key`; `None` if the source answered and has no such key. The
    /// node ends the instance some time after `timeout_ms`.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn fetch(&mut self, key: &str, timeout_ms: u32) -> Result<Option<Fetched>, FetchError>;

    /// What [`Retriever::fetch`] would give for each of `keys`, in their order, in fewer round
    /// trips. A source that can't be asked so, as it is configured, answers with an empty list at
    /// once, and is not asked so again. Without an implementation of its own a source does that.
    ///
    /// # Errors
    /// See [`FetchError`]. The error is for the whole batch. After [`FetchError::BadKey`] and
    /// [`FetchError::BadValue`] the node asks for each key by itself.
    fn fetch_many(
        &mut self,
        keys: &[String],
        timeout_ms: u32,
    ) -> Result<Vec<Option<Fetched>>, FetchError> {
        let _ = (keys, timeout_ms);
        Ok(Vec::new())
    }
}
