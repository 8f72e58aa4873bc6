//! The settings of a group's plugins: its policy, its retriever, and the pool of that one's
//! instances. See `settings` for how they are defined.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::secret::Secret;
use super::text::{
    Digests, OrNone, PluginName, PoolQueue, PoolSize, Reachable, Time, read_options, read_secrets,
};
#[cfg(feature = "cli")]
use super::{
    flags::Hidden,
    text::{option, secret},
};

/// What one source says about a group's policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(expecting = "a table", deny_unknown_fields)]
pub(crate) struct PolicySettings {
    /// The eviction policy: a built-in's name (psycache policy list), a file, or auto: the node
    /// chooses [default: lru]
    #[cfg_attr(feature = "cli", arg(id = "policy", long, value_name = "PLUGIN"))]
    #[serde(deserialize_with = "required")]
    pub(crate) plugin: Option<PluginName>,
    /// The SHA-256 digests that the policy may have, in hexadecimal, separated by commas; any
    /// other is refused, in a swap too [default: any component]
    #[cfg_attr(feature = "cli", arg(id = "policy-sha256", long, value_name = "HEX,…"))]
    pub(crate) sha256: Option<Digests>,
    /// An option of the policy; @FILE stands for the file's content
    #[cfg_attr(feature = "cli", arg(id = "policy-opt", long, value_name = "K=V"))]
    #[cfg_attr(feature = "cli", arg(value_parser = option))]
    #[serde(default, deserialize_with = "read_options")]
    pub(crate) options: Vec<(String, String)>,
}

/// What one source says about a group's retriever.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RetrieverSettings {
    /// Where missing values come from: a built-in's name, a file, or none
    /// [default: static, which serves sample data; none for a group of the file]
    #[cfg_attr(feature = "cli", arg(id = "retriever", long, value_name = "PLUGIN"))]
    #[serde(deserialize_with = "required")]
    pub(crate) plugin: Option<OrNone<PluginName>>,
    /// The SHA-256 digests that the retriever may have, in hexadecimal, separated by commas; any
    /// other is refused [default: any component]
    #[cfg_attr(feature = "cli", arg(id = "retriever-sha256", long, value_name = "HEX,…"))]
    pub(crate) sha256: Option<Digests>,
    /// An option of the retriever; @FILE stands for the file's content
    #[cfg_attr(feature = "cli", arg(id = "retriever-opt", long, value_name = "K=V"))]
    #[cfg_attr(feature = "cli", arg(value_parser = option))]
    #[serde(default, deserialize_with = "read_options")]
    pub(crate) options: Vec<(String, String)>,
    /// A secret of the retriever, by its place
    #[cfg_attr(feature = "cli", arg(id = "retriever-secret", long))]
    #[cfg_attr(feature = "cli", arg(value_name = "K=env:NAME|file:PATH"))]
    #[cfg_attr(feature = "cli", arg(value_parser = Hidden(secret), hide_env_values = true))]
    #[serde(default, deserialize_with = "read_secrets")]
    pub(crate) secrets: Vec<(String, Secret)>,
    /// An address that the retriever may connect to
    #[cfg_attr(feature = "cli", arg(long, value_name = "HOST:PORT", value_delimiter = ','))]
    #[serde(default)]
    pub(crate) allow_net: Vec<Reachable>,
}

/// What one source says about the instances of a group's retriever.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PoolSettings {
    /// The most instances of the retriever, each with a connection to the source [default: 8]
    #[cfg_attr(feature = "cli", arg(id = "pool-size", long, value_name = "N"))]
    pub(crate) size: Option<PoolSize>,
    /// How long an instance is kept that no load uses [default: 5m]
    #[cfg_attr(feature = "cli", arg(id = "pool-idle", long, value_name = "D"))]
    pub(crate) idle: Option<Time>,
    /// The most loads that wait for an instance, or for a place among max-loads; further ones
    /// fail at once [default: 10000]
    #[cfg_attr(feature = "cli", arg(id = "pool-queue", long, value_name = "N"))]
    pub(crate) queue: Option<PoolQueue>,
}

impl FromStr for PolicySettings {
    type Err = String;

    fn from_str(plugin: &str) -> Result<Self, String> {
        Ok(Self { plugin: Some(plugin.parse()?), ..Self::default() })
    }
}

impl FromStr for RetrieverSettings {
    type Err = String;

    fn from_str(plugin: &str) -> Result<Self, String> {
        Ok(Self { plugin: Some(plugin.parse()?), ..Self::default() })
    }
}

/// A key that a table of the file must have, though no flag has to say it.
pub(super) fn required<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
