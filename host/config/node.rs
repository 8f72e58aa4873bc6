//! All that a node is started with.

use std::time::Duration;

use super::choice::{PolicyChoice, RetrieverChoice};
use super::plugin::Plugin;
use crate::group::{self, Uncertain};
use crate::membership::registry::{InMemory, etcd};
use crate::store;
use crate::telemetry;

/// Where applications and peers are answered unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7400";

/// Where metrics and health are served unless told otherwise.
pub const DEFAULT_HTTP: &str = "127.0.0.1:7401";

/// What a node without another group has.
pub const DEFAULT_GROUP: &str = "default";

/// How much a group holds unless it is told otherwise.
pub const DEFAULT_CAPACITY_BYTES: u64 = 64 << 20;

/// How long a value is kept unless the group or the value says otherwise.
pub const DEFAULT_TTL: Duration = Duration::from_secs(600);

/// All that a [`Node`](crate::node::Node) is started with.
///
/// ```
/// use psycache::config::{Config, Group};
///
/// let mut scores = Group::new("scores");
/// scores.store.capacity_bytes = 256 << 20;
/// let config = Config { groups: vec![scores], ..Config::default() };
/// # assert_eq!(config.listen, "127.0.0.1:7400");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `host:port` of gRPC; port 0 picks a free one.
    pub listen: String,
    /// What other nodes call this one; `None`: the address that it listens on.
    pub advertise: Option<String>,
    /// `host:port` of metrics and health; `None`: they are not served.
    pub http: Option<String>,
    /// At least one, their names all different.
    pub groups: Vec<Group>,
    /// How other nodes are found.
    pub cluster: Cluster,
    /// Logs and traces.
    pub telemetry: telemetry::Config,
}

impl Default for Config {
    /// A node of its own, with one group that has no retriever.
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.into(),
            advertise: None,
            http: Some(DEFAULT_HTTP.into()),
            groups: vec![Group::new(DEFAULT_GROUP)],
            cluster: Cluster::default(),
            telemetry: telemetry::Config::default(),
        }
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name, and how long things are kept and waited for.
    pub group: group::Config,
    /// How much it holds.
    pub store: store::Config,
    /// Who leaves.
    pub policy: PolicyChoice,
    /// Where from; `None`: only what was set can be read.
    pub retriever: Option<RetrieverChoice>,
}

impl Group {
    /// A group of 64 MiB under LRU that keeps values for ten minutes and has no
    /// retriever.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut group = group::Config::named(name);
        group.ttl = Some(DEFAULT_TTL);
        Self {
            group,
            store: store::Config { capacity_bytes: DEFAULT_CAPACITY_BYTES, max_entries: None },
            policy: Plugin::new("lru").into(),
            retriever: None,
        }
    }
}

/// How other nodes are found.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The list of nodes.
    pub registry: Registry,
    /// This node's share of the keys, relative to the others'. In a list it stands there.
    pub weight: u32,
    /// What is done while this node can't be certain to hold its keys.
    pub uncertain: Uncertain,
}

impl Default for Cluster {
    /// A node alone.
    fn default() -> Self {
        Self { registry: Registry::Alone, weight: 1, uncertain: Uncertain::Brief }
    }
}

/// Where the list of nodes is.
#[derive(Clone, Debug, PartialEq)]
pub enum Registry {
    /// There are no others.
    Alone,
    /// The same list for every node, of addresses and weights; whether it names this one
    /// does not matter.
    Static(Vec<(String, u32)>),
    /// In etcd.
    Etcd(etcd::Config),
    /// In this program, which runs several nodes. No setting asks for it.
    InMemory(InMemory),
}
