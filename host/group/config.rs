//! The configuration of one group.

use std::time::Duration;

use super::ttl;
use crate::error::Error;

/// The configuration of one group, without its store, policy and source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupConfig {
    /// The name that callers give.
    pub name: String,
    /// How long a value without its own time to live is kept. `None`: until it is
    /// evicted.
    pub ttl: Option<Duration>,
    /// By how many percent the group's `ttl` may be shortened, at random for each entry,
    /// so that entries that were loaded together do not expire together.
    pub ttl_jitter_percent: u8,
    /// How long the absence of a key from the source is cached. Zero: not at all.
    pub negative_ttl: Duration,
    /// How long after its time to live a value is kept, to be returned where the source can't
    /// be reached or does not answer in time. Zero: not at all.
    pub stale_if_error: Duration,
    /// The time limit of one load, independent of its callers' deadlines.
    pub load_timeout: Duration,
    /// The largest value that is accepted from a caller or the source.
    pub max_value_bytes: u64,
    /// What the group does while its node can't be certain to hold its keys.
    pub uncertain: Uncertain,
}

/// What a node does with loaded values while it is uncertain: the registry and some other
/// member are out of reach, so another node may hold its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uncertain {
    /// Caches them for one second, to protect the source. A get may return a value that
    /// is up to one second old, even if the key was changed meanwhile.
    #[default]
    Brief,
    /// Caches nothing.
    Strict,
}

impl GroupConfig {
    /// A configuration with this name, and the defaults for everything else.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ttl: None,
            ttl_jitter_percent: 10,
            negative_ttl: Duration::from_secs(5),
            stale_if_error: Duration::ZERO,
            load_timeout: Duration::from_secs(5),
            max_value_bytes: 64 << 20,
            uncertain: Uncertain::Brief,
        }
    }

    /// Returns this configuration with the times of `other`. A running group can't change its
    /// other settings.
    #[must_use]
    pub fn with_times_of(&self, other: &Self) -> Self {
        Self {
            ttl: other.ttl,
            ttl_jitter_percent: other.ttl_jitter_percent,
            negative_ttl: other.negative_ttl,
            stale_if_error: other.stale_if_error,
            load_timeout: other.load_timeout,
            ..self.clone()
        }
    }

    /// Checks that a group can be made from this configuration.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the field as in the configuration file.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |argument, problem: &str| {
            Err(Error::InvalidArgument { argument, problem: problem.into() })
        };
        if self.name.is_empty() {
            return refuse("name", "a group needs one");
        }
        if let Some(ttl) = self.ttl {
            ttl::check("ttl", ttl)?;
        }
        if self.ttl_jitter_percent > 100 {
            return refuse("ttl-jitter", "it is more than 100 %");
        }
        if self.negative_ttl > ttl::MAX_TTL {
            ttl::check("negative-ttl", self.negative_ttl)?;
        }
        if self.stale_if_error > ttl::MAX_TTL {
            ttl::check("stale-if-error", self.stale_if_error)?;
        }
        if self.load_timeout.is_zero() {
            return refuse("load-timeout", "it is 0, so all loads fail; leave it out for 5s");
        }
        Ok(())
    }
}
