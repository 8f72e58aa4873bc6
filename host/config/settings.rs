//! Settings as one source gives them: flags and environment, or a file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cluster::ClusterSettings;
use super::secret::Secret;
use super::text::OrNone;
use crate::telemetry::LogFormat;

/// What one source says; `None` and empty lists: nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// See [`Config::listen`](super::Config::listen).
    pub listen: Option<String>,
    /// See [`Config::advertise`](super::Config::advertise).
    pub advertise: Option<String>,
    /// See [`Config::http`](super::Config::http).
    pub http: Option<OrNone<String>>,
    /// Of a file: its groups. Of flags: the one that they are about.
    pub groups: Vec<GroupSettings>,
    /// See [`Cluster`](super::Cluster).
    pub cluster: ClusterSettings,
    /// See [`telemetry::Config`](crate::telemetry::Config).
    pub telemetry: TelemetrySettings,
}

/// What one source says about a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSettings {
    /// `None` only from flags: the single group.
    pub name: Option<String>,
    /// See [`store::Config::capacity_bytes`](crate::store::Config::capacity_bytes).
    pub capacity_bytes: Option<u64>,
    /// See [`store::Config::max_entries`](crate::store::Config::max_entries).
    pub max_entries: Option<u32>,
    /// See [`group::Config::ttl`](crate::group::Config::ttl).
    pub ttl: Option<OrNone<Duration>>,
    /// See [`group::Config::ttl_jitter_percent`](crate::group::Config::ttl_jitter_percent).
    pub ttl_jitter_percent: Option<u8>,
    /// See [`group::Config::negative_ttl`](crate::group::Config::negative_ttl).
    pub negative_ttl: Option<OrNone<Duration>>,
    /// See [`group::Config::load_timeout`](crate::group::Config::load_timeout).
    pub load_timeout: Option<Duration>,
    /// See [`group::Config::max_value_bytes`](crate::group::Config::max_value_bytes).
    pub max_value_bytes: Option<u64>,
    /// See [`Group::policy`](super::Group::policy).
    pub policy: PluginSettings,
    /// See [`Group::retriever`](super::Group::retriever).
    pub retriever: PluginSettings,
}

/// What one source says about a plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginSettings {
    /// See [`Plugin::plugin`](super::Plugin::plugin).
    pub plugin: Option<OrNone<String>>,
    /// See [`Plugin::options`](super::Plugin::options).
    pub options: BTreeMap<String, String>,
    /// See [`Plugin::secrets`](super::Plugin::secrets).
    pub secrets: BTreeMap<String, Secret>,
    /// See [`Plugin::allow_net`](super::Plugin::allow_net).
    pub allow_net: Vec<String>,
}

/// What one source says about logs and traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetrySettings {
    /// See [`telemetry::Config::otlp`](crate::telemetry::Config::otlp).
    pub otlp: Option<String>,
    /// See [`telemetry::Config::trace_ratio`](crate::telemetry::Config::trace_ratio).
    pub trace_ratio: Option<f64>,
    /// See [`telemetry::Config::log`](crate::telemetry::Config::log).
    pub log: Option<String>,
    /// See [`telemetry::Config::log_format`](crate::telemetry::Config::log_format).
    pub log_format: Option<LogFormat>,
}
