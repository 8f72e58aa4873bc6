//! What one group is told.

use std::time::Duration;

use super::ttl;
use crate::error::Error;

/// What one group is told, apart from its store, policy and source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What callers name it by.
    pub name: String,
    /// How long a value is kept that brings no time to live of its own; `None`:
    /// until it is evicted.
    pub ttl: Option<Duration>,
    /// By how many percent the group's own `ttl` may be shortened, at random for
    /// each entry, so that what was loaded together does not expire together.
    pub ttl_jitter_percent: u8,
    /// How long it is remembered that the source has no such key; zero: not.
    pub negative_ttl: Duration,
    /// The longest that one load may take, whoever waits for it.
    pub load_timeout: Duration,
    /// The longest value that is taken from a caller or the source.
    pub max_value_bytes: u64,
    /// What the group does while its node can't be certain to hold its keys.
    pub uncertain: Uncertain,
}

/// What a node does with what it loads while it can't be certain that nobody else holds
/// its keys: its registry is out of reach, and some node as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uncertain {
    /// Keeps it for a second, so that the source is spared. A get may be answered with a
    /// value of up to a second ago, whatever was changed meanwhile.
    #[default]
    Brief,
    /// Keeps nothing.
    Strict,
}

impl Config {
    /// A group with the defaults of everything but its name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ttl: None,
            ttl_jitter_percent: 10,
            negative_ttl: Duration::from_secs(5),
            load_timeout: Duration::from_secs(5),
            max_value_bytes: 64 << 20,
            uncertain: Uncertain::Brief,
        }
    }

    /// Whether a group can be made from it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the field, as it is called in the file.
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
        if self.load_timeout.is_zero() {
            return refuse("load-timeout", "no load ends within no time; leave it out for 5s");
        }
        Ok(())
    }
}
