//! The complete configuration of a node.

use std::path::PathBuf;
use std::time::Duration;

use super::choice::{PolicyChoice, RetrieverChoice};
use super::plugin::Plugin;
use super::secret::Secret;
use crate::group::{GroupConfig, Uncertain};
use crate::membership::registry::InMemory;
use crate::membership::registry::etcd::EtcdConfig;
use crate::retriever::LoadLimits;
use crate::server::ConnectionLimits;
use crate::store::StoreConfig;
use crate::telemetry::TelemetryConfig;
use crate::tls::Tls;

/// Default address for applications and peers.
const DEFAULT_LISTEN: &str = "127.0.0.1:7400";

/// Default address for metrics and health checks.
const DEFAULT_HTTP: &str = "127.0.0.1:7401";

/// Name of the only group of a node without configured groups.
pub(super) const DEFAULT_GROUP: &str = "default";

/// Default capacity of a group.
const DEFAULT_CAPACITY_BYTES: u64 = 64 << 20;

/// Default time to live of a value.
const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// The configuration of a [`Node`](crate::node::Node).
///
/// ```
/// use psycache::config::{Config, Group};
///
/// let mut scores = Group::new("scores");
/// scores.store.capacity_bytes = 256 << 20;
/// let mut config = Config::default();
/// config.groups = vec![scores];
/// # assert_eq!(config.listen, "127.0.0.1:7400");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// `host:port` of gRPC. Port 0 picks a free one.
    pub listen: String,
    /// Address at which other nodes reach this one; `None` for the address that it listens
    /// on.
    pub advertise: Option<String>,
    /// `host:port` at which other nodes reach this one; `None` for that of gRPC. With it, nodes
    /// are refused at that of gRPC, and `advertise` is about this address.
    pub peer_listen: Option<String>,
    /// `host:port` of metrics and health checks; `None` if they are not served.
    pub http: Option<String>,
    /// `host:port` of the Redis protocol; `None` if it is not served.
    pub redis: Option<String>,
    /// The file of the callers, which is read again when it changes; `None`: everybody may do
    /// everything.
    pub tokens: Option<PathBuf>,
    /// Whether the node may listen on an address that other machines can reach without TLS and
    /// tokens.
    pub insecure: bool,
    /// Whether a crash may write a core dump, which has keys, values and secrets.
    pub core_dumps: bool,
    /// TLS of all listeners; `None` without it.
    pub tls: Option<Tls>,
    /// What clients may take of the node.
    pub limits: ConnectionLimits,
    /// At least one group. Names must be unique.
    pub groups: Vec<Group>,
    /// How other nodes are found.
    pub cluster: Cluster,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
}

impl Default for Config {
    /// A node without a cluster, with one group that has no retriever.
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.into(),
            advertise: None,
            peer_listen: None,
            http: Some(DEFAULT_HTTP.into()),
            redis: None,
            tokens: None,
            insecure: false,
            core_dumps: false,
            tls: None,
            limits: ConnectionLimits::default(),
            groups: vec![Group::new(DEFAULT_GROUP)],
            cluster: Cluster::default(),
            telemetry: TelemetryConfig::default(),
        }
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// Its name, times to live and time limits.
    pub group: GroupConfig,
    /// Limits of its store.
    pub store: StoreConfig,
    /// Limits of its loads.
    pub loads: LoadLimits,
    /// The eviction policy.
    pub policy: PolicyChoice,
    /// Where values are loaded from; `None` if only values that were set can be read.
    pub retriever: Option<RetrieverChoice>,
}

impl Group {
    /// A group of 64 MiB under LRU that keeps values for ten minutes and has no
    /// retriever.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut group = GroupConfig::named(name);
        group.ttl = Some(DEFAULT_TTL);
        Self {
            group,
            store: StoreConfig { capacity_bytes: DEFAULT_CAPACITY_BYTES, max_entries: None },
            loads: LoadLimits::default(),
            policy: Plugin::new("lru").into(),
            retriever: None,
        }
    }
}

/// How other nodes are found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cluster {
    /// Where the list of nodes is kept.
    pub registry: Registry,
    /// This node's share of the keys, relative to the other nodes. If a static list contains
    /// this node, the weight in the list applies.
    pub weight: u32,
    /// What the node does while it can't be certain to hold its keys.
    pub uncertain: Uncertain,
    /// The secret that all nodes share; a stranger is refused as a node.
    pub secret: Option<Secret>,
}

impl Default for Cluster {
    /// A node without a cluster.
    fn default() -> Self {
        Self { registry: Registry::Alone, weight: 1, uncertain: Uncertain::Brief, secret: None }
    }
}

/// Where the list of nodes is kept.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Registry {
    /// There are no other nodes.
    Alone,
    /// A list of addresses and weights, which must be the same on every node. It need not
    /// contain this node.
    Static(Vec<(String, u32)>),
    /// In etcd.
    Etcd(EtcdConfig),
    /// In this program, which runs several nodes. It can't be chosen by a setting.
    InMemory(InMemory),
}
