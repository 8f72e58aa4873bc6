//! The settings of a node, each in one place: its flag, its key in the file, and its
//! help. Its variable of the environment follows from the flag.
//!
//! `[default: …]` in a help is a value if it has no space, else a description. Tests
//! compare the values with [`Config`](super::Config), and write `docs/configuration.md`.

use serde::Deserialize;

use super::limits::LimitSettings;
use super::plugin_settings::required;
pub(super) use super::plugin_settings::{PolicySettings, PoolSettings, RetrieverSettings};
use super::secret::Secret;
use super::text::{
    Address, Ahead, Certificate, Count, EtcdPrefix, EtcdUser, GroupName, LeaseTtl, LogFilter,
    LogStyle, MaxEntries, MinVersion, OrNone, Peer, PeerName, Percent, PrivateKey, Ratio,
    Reachable, Retries, ServerName, Size, Switch, Time, TlsFile, TokensFile, Url, Weight,
    WhileUncertain, read_cluster_secret, read_etcd_password, table_or_plugin,
};
#[cfg(feature = "cli")]
use super::{
    flags::Hidden,
    text::{cluster_secret, etcd_password},
};

/// What one source says: the flags with the environment, or a file. `None` and empty
/// lists: nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The address of gRPC; port 0 picks a free one [default: 127.0.0.1:7400]
    #[cfg_attr(feature = "cli", arg(long, value_name = "ADDR"))]
    pub(crate) listen: Option<Address>,
    /// The address that other nodes reach this one at [default: the one it listens on]
    #[cfg_attr(feature = "cli", arg(long, value_name = "ADDR"))]
    pub(crate) advertise: Option<Reachable>,
    /// The address at which other nodes reach this one, where clients must not reach it; port 0
    /// picks a free one [default: that of gRPC]
    #[cfg_attr(feature = "cli", arg(long, value_name = "ADDR"))]
    pub(crate) peer_listen: Option<Address>,
    /// The address of metrics and health, or none [default: 127.0.0.1:7401]
    #[cfg_attr(feature = "cli", arg(long, value_name = "ADDR"))]
    pub(crate) http: Option<OrNone<Address>>,
    /// The address of the Redis protocol, or none [default: none]
    #[cfg_attr(feature = "cli", arg(long, value_name = "ADDR"))]
    pub(crate) redis: Option<OrNone<Address>>,
    /// The file of the callers: tokens and certificates with their roles. With it, who is not in
    /// it may do nothing. It is read again when it changes [default: none, so that everybody may
    /// do everything]
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub(crate) tokens: Option<TokensFile>,
    /// Serve other machines without TLS and tokens. Every machine that reaches a port may then
    /// read, change and clear everything [default: false]
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL"))]
    #[cfg_attr(feature = "cli", arg(num_args = 0..=1, default_missing_value = "true"))]
    pub(crate) insecure: Option<Switch>,
    /// Let a crash write a core dump, which has the keys, the values and the secrets of the node
    /// [default: false]
    #[cfg_attr(feature = "cli", arg(long, value_name = "BOOL"))]
    #[cfg_attr(feature = "cli", arg(num_args = 0..=1, default_missing_value = "true"))]
    pub(crate) core_dumps: Option<Switch>,
    /// The groups of a file
    #[cfg_attr(feature = "cli", arg(skip))]
    #[serde(default, rename = "group")]
    pub(crate) groups: Vec<GroupSettings>,
    /// What flags say about one group: the file's that they name, or its only one
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(skip)]
    pub(crate) group: GroupSettings,
    /// TLS of all listeners
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default)]
    pub(crate) tls: TlsSettings,
    /// What clients may take of the node
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default)]
    pub(crate) limits: LimitSettings,
    /// How other nodes are found
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default)]
    pub(crate) cluster: ClusterSettings,
    /// Logs and traces
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default)]
    pub(crate) telemetry: TelemetrySettings,
}

/// What one source says about a group.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args), command(next_help_heading = "The group"))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GroupSettings {
    /// The group's name [default: default]
    #[cfg_attr(feature = "cli", arg(long = "group", value_name = "NAME"))]
    #[serde(deserialize_with = "required")]
    pub(crate) name: Option<GroupName>,
    /// The most bytes of keys, values and what it costs to keep them [default: 64MiB]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SIZE"))]
    pub(crate) capacity: Option<Size>,
    /// The most entries [default: what the capacity can hold]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_entries: Option<MaxEntries>,
    /// How long a value is kept, or none for no limit [default: 10m]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) ttl: Option<OrNone<Time>>,
    /// By how much the ttl is shortened at random [default: 10%]
    #[cfg_attr(feature = "cli", arg(long, value_name = "PERCENT"))]
    pub(crate) ttl_jitter: Option<Percent>,
    /// How long a key is remembered that the source does not have, or none [default: 5s]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) negative_ttl: Option<OrNone<Time>>,
    /// How long after its ttl a value is still returned where the source can't be reached or
    /// does not answer in time, or none [default: none]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) stale_if_error: Option<OrNone<Time>>,
    /// How long after its ttl a value is still returned at once, while one load of it runs, or none
    /// [default: none]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) stale_while_revalidate: Option<OrNone<Time>>,
    /// The last part of the ttl in which a get starts a load of the value beside it, or how long before it
    /// expires, or none [default: none]
    #[cfg_attr(feature = "cli", arg(long, value_name = "PERCENT|D"))]
    pub(crate) refresh_ahead: Option<OrNone<Ahead>>,
    /// The longest that one load may take [default: 5s]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) load_timeout: Option<Time>,
    /// How often a load asks again where the source can't be reached, within its load-timeout
    /// [default: 0]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) retries: Option<Retries>,
    /// The number of loads in a row that could not reach the source, after which loads fail at once,
    /// but for one a second, or none [default: none]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) breaker: Option<OrNone<Count>>,
    /// The most loads at a time; others wait [default: the size of the pool; any number for a
    /// source in Rust]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) max_loads: Option<Count>,
    /// The largest value that is taken [default: 64MiB]
    #[cfg_attr(feature = "cli", arg(long, value_name = "SIZE"))]
    pub(crate) max_value: Option<Size>,
    /// The instances of the retriever, and the loads that wait
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default)]
    pub(crate) pool: PoolSettings,
    /// What decides which entries are evicted
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default, deserialize_with = "table_or_plugin")]
    pub(crate) policy: PolicySettings,
    /// Where missing values come from
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default, deserialize_with = "table_or_plugin")]
    pub(crate) retriever: RetrieverSettings,
}

/// What one source says about TLS.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args), command(next_help_heading = "TLS"))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsSettings {
    /// The certificate of the node, a PEM file; with it all listeners speak TLS only
    #[cfg_attr(feature = "cli", arg(id = "tls-cert", long, value_name = "FILE"))]
    pub(crate) cert: Option<TlsFile>,
    /// The private key of the certificate, a PEM file
    #[cfg_attr(feature = "cli", arg(id = "tls-key", long, value_name = "FILE"))]
    pub(crate) key: Option<TlsFile>,
    /// The CAs of the certificates that gRPC and Redis clients and other nodes must show, a PEM
    /// file [default: none, so that clients need no certificate]
    #[cfg_attr(feature = "cli", arg(id = "tls-client-ca", long, value_name = "FILE"))]
    pub(crate) client_ca: Option<TlsFile>,
    /// The lowest version of TLS: 1.2 or 1.3 [default: 1.2, with 1.3 where both can]
    #[cfg_attr(feature = "cli", arg(id = "tls-min-version", long, value_name = "VERSION"))]
    pub(crate) min_version: Option<MinVersion>,
    /// Names that certificates of nodes have, *.cache.internal say
    /// [default: the host of each node's advertised address]
    #[cfg_attr(feature = "cli", arg(id = "tls-peer-names", long, value_name = "NAME,…"))]
    #[cfg_attr(feature = "cli", arg(value_delimiter = ','))]
    #[serde(default)]
    pub(crate) peer_names: Vec<PeerName>,
}

/// What one source says about the cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args), command(next_help_heading = "The cluster"))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClusterSettings {
    /// The fixed list of all nodes, each with its weight where that is not 1
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "ADDR[=WEIGHT],…", value_delimiter = ',', conflicts_with = "etcd")
    )]
    #[serde(default)]
    pub(crate) peers: Vec<Peer>,
    /// The endpoints of etcd, in which nodes find each other
    #[cfg_attr(feature = "cli", arg(long, value_name = "URL,…", value_delimiter = ','))]
    #[serde(default)]
    pub(crate) etcd: Vec<Url>,
    /// What the keys of this cluster in etcd begin with [default: psycache]
    #[cfg_attr(feature = "cli", arg(long, value_name = "PATH"))]
    pub(crate) etcd_prefix: Option<EtcdPrefix>,
    /// The user that etcd knows this node by
    #[cfg_attr(feature = "cli", arg(long, value_name = "NAME"))]
    pub(crate) etcd_user: Option<EtcdUser>,
    /// The place of that user's password
    #[cfg_attr(feature = "cli", arg(long, value_name = "env:NAME|file:PATH"))]
    #[cfg_attr(feature = "cli", arg(value_parser = Hidden(etcd_password), hide_env_values = true))]
    #[serde(default, deserialize_with = "read_etcd_password")]
    pub(crate) etcd_password: Option<Secret>,
    /// The CA of etcd's certificate, a PEM file; https:// needs it
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub(crate) etcd_ca: Option<Certificate>,
    /// The certificate that this node shows to etcd, a PEM file
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub(crate) etcd_cert: Option<Certificate>,
    /// The private key of that certificate, a PEM file
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE"))]
    pub(crate) etcd_key: Option<PrivateKey>,
    /// The name in etcd's certificate, where it is not the URL's host
    #[cfg_attr(feature = "cli", arg(long, value_name = "HOST"))]
    pub(crate) etcd_server_name: Option<ServerName>,
    /// The place of the secret that all nodes of the cluster share; a stranger is refused as a
    /// node
    #[cfg_attr(feature = "cli", arg(id = "cluster-secret", long))]
    #[cfg_attr(feature = "cli", arg(value_name = "env:NAME|file:PATH"))]
    #[cfg_attr(feature = "cli", arg(value_parser = Hidden(cluster_secret), hide_env_values = true))]
    #[serde(default, deserialize_with = "read_cluster_secret")]
    pub(crate) secret: Option<Secret>,
    /// How long etcd keeps a node without a keep-alive [default: 5s]
    #[cfg_attr(feature = "cli", arg(long, value_name = "D"))]
    pub(crate) lease_ttl: Option<LeaseTtl>,
    /// This node's share of the keys, relative to the others' [default: 1]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub(crate) weight: Option<Weight>,
    /// What is cached while the node can't be certain that nobody else holds its keys: brief,
    /// values for one second, which spares the source; or strict, nothing [default: brief]
    #[cfg_attr(feature = "cli", arg(long, value_name = "WHAT"))]
    pub(crate) uncertain: Option<WhileUncertain>,
}

/// What one source says about logs and traces.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args), command(next_help_heading = "Logs and traces"))]
#[serde(expecting = "a table", deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TelemetrySettings {
    /// Where traces go, by OTLP: http://HOST:4317 for gRPC; port 4318 or a path for HTTP
    /// [default: none, so that nothing is traced]
    #[cfg_attr(feature = "cli", arg(long, value_name = "URL"))]
    pub(crate) otlp: Option<Url>,
    /// The share of requests that are traced [default: 0.01]
    #[cfg_attr(feature = "cli", arg(long, value_name = "0..1"))]
    pub(crate) trace_ratio: Option<Ratio>,
    /// Which lines are logged: off, error, warn, info, debug, trace, or target=level,…
    /// [default: info]
    #[cfg_attr(feature = "cli", arg(long, value_name = "LEVEL"))]
    pub(crate) log: Option<LogFilter>,
    /// How a line looks: text or json [default: text on a terminal, json elsewhere]
    #[cfg_attr(feature = "cli", arg(long, value_name = "FORMAT"))]
    pub(crate) log_format: Option<LogStyle>,
}
