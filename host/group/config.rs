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
    /// How long after its time to live a value is returned at once, while one load of it runs.
    /// Zero: not at all.
    pub stale_while_revalidate: Duration,
    /// When a value is loaded again before it expires, by a get that finds it.
    pub refresh_ahead: RefreshAhead,
    /// The time limit of one load, independent of its callers' deadlines.
    pub load_timeout: Duration,
    /// How often a load asks a source again that is unavailable, within its time limit.
    pub retries: u32,
    /// After how many loads in a row that found the source unavailable the next ones fail at
    /// once. `None`: never.
    pub breaker: Option<u32>,
    /// The largest value that is accepted from a caller or the source.
    pub max_value_bytes: u64,
    /// What the group does while its node can't be certain to hold its keys.
    pub uncertain: Uncertain,
}

/// When a get of a value that has not expired begins to load it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshAhead {
    /// Never.
    #[default]
    Never,
    /// In the last percents of the group's time to live, at most half of it.
    Percent(u8),
    /// For so long before it expires.
    Before(Duration),
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
            stale_while_revalidate: Duration::ZERO,
            refresh_ahead: RefreshAhead::Never,
            load_timeout: Duration::from_secs(5),
            retries: 0,
            breaker: None,
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
            stale_while_revalidate: other.stale_while_revalidate,
            refresh_ahead: other.refresh_ahead,
            load_timeout: other.load_timeout,
            retries: other.retries,
            breaker: other.breaker,
            ..self.clone()
        }
    }

    /// How long before it expires a value may be loaded again; zero: not at all.
    pub(super) fn refresh_window(&self) -> Duration {
        match (self.refresh_ahead, self.ttl) {
            (RefreshAhead::Before(time), _) => time,
            (RefreshAhead::Percent(percent), Some(ttl)) => ttl * u32::from(percent) / 100,
            (RefreshAhead::Never | RefreshAhead::Percent(_), _) => Duration::ZERO,
        }
    }

    /// How long an expired value is kept.
    pub(super) fn keep_expired(&self) -> Duration {
        self.stale_if_error.max(self.stale_while_revalidate)
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
        if self.stale_while_revalidate > ttl::MAX_TTL {
            ttl::check("stale-while-revalidate", self.stale_while_revalidate)?;
        }
        let is_percent = matches!(self.refresh_ahead, RefreshAhead::Percent(_));
        if is_percent && self.ttl.is_none() {
            return refuse(
                "refresh-ahead",
                "it is a part of the ttl, and there is none; give a time such as 1m",
            );
        }
        if self.ttl.is_some_and(|ttl| self.refresh_window() > ttl / 2) {
            return refuse("refresh-ahead", "it is more than half of the ttl; give less");
        }
        if self.breaker == Some(0) {
            return refuse("breaker", "it is 0, so no load would begin; leave it out for none");
        }
        if self.load_timeout.is_zero() {
            return refuse("load-timeout", "it is 0, so all loads fail; leave it out for 5s");
        }
        Ok(())
    }
}
