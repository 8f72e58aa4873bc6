//! The shape of `status --json`, which scripts depend on.

use serde::Serialize;

use crate::proto;

/// A node.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) address: String,
    pub(super) uptime_ms: u64,
    pub(super) ready: bool,
    pub(super) ring_version: u64,
    pub(super) registry: Registry,
    /// "loopback", "tls", "mutual-tls" or "insecure".
    pub(super) security: String,
    pub(super) nodes: Vec<Node>,
    pub(super) groups: Vec<Group>,
}

/// Where the list of nodes comes from.
#[derive(Debug, Default, Serialize)]
pub(super) struct Registry {
    pub(super) kind: String,
    pub(super) connected: bool,
    pub(super) problem: Option<String>,
    /// Whether the node holds the keys that it owns.
    pub(super) state: String,
    pub(super) ignored_keys: u64,
}

/// A node of the ring.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub(super) address: String,
    pub(super) weight: u32,
    pub(super) share: f64,
    pub(super) state: String,
    /// `None` unless it is unreachable.
    pub(super) problem: Option<String>,
}

/// A group.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) capacity_bytes: u64,
    pub(super) max_entries: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// `None` before the first get.
    pub(super) hit_ratio: Option<f64>,
    pub(super) loads: u64,
    pub(super) evictions: u64,
    pub(super) expirations: u64,
    pub(super) policy: Option<Plugin>,
    pub(super) retriever: Option<Plugin>,
    /// Nodes that own keys of it and have no such group.
    pub(super) missing_on: Vec<String>,
    /// Why it has its policy, where the node chose it.
    pub(super) policy_choice: Option<String>,
    /// `None` for a group without a data source.
    pub(super) source: Option<Source>,
}

/// The loads at a data source.
#[derive(Debug, Serialize)]
pub(super) struct Source {
    /// The most loads at a time; 0: any number.
    pub(super) places: u64,
    pub(super) running: u64,
    pub(super) waiting: u64,
    pub(super) idle_instances: u64,
}

/// A plugin at work.
#[derive(Debug, Serialize)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) problem: Option<String>,
    pub(super) failures: u64,
    pub(super) sha256: Option<String>,
}

impl From<proto::StatusResponse> for Report {
    fn from(status: proto::StatusResponse) -> Self {
        Self {
            version: status.version,
            address: status.address,
            uptime_ms: status.uptime_ms,
            ready: status.ready,
            ring_version: status.ring_version,
            security: status.security,
            registry: status.registry.map_or_else(Registry::default, Registry::from),
            nodes: status.nodes.into_iter().map(Node::from).collect(),
            groups: status.groups.into_iter().map(Group::from).collect(),
        }
    }
}

impl From<proto::RegistryStatus> for Registry {
    fn from(registry: proto::RegistryStatus) -> Self {
        Self {
            kind: registry.kind,
            connected: registry.connected,
            problem: some(registry.problem),
            state: registry.state,
            ignored_keys: registry.ignored_keys,
        }
    }
}

impl From<proto::NodeStatus> for Node {
    fn from(node: proto::NodeStatus) -> Self {
        Self {
            address: node.address,
            weight: node.weight,
            share: node.share,
            state: node.state,
            problem: some(node.problem),
        }
    }
}

impl From<proto::GroupStatus> for Group {
    fn from(group: proto::GroupStatus) -> Self {
        let gets = group.hits + group.misses;
        Self {
            name: group.name,
            entries: group.entries,
            bytes: group.bytes,
            capacity_bytes: group.capacity_bytes,
            max_entries: group.max_entries,
            hits: group.hits,
            misses: group.misses,
            hit_ratio: (gets > 0).then(|| group.hits as f64 / gets as f64),
            loads: group.loads,
            evictions: group.evictions,
            expirations: group.expirations,
            policy: group.policy.map(Plugin::from),
            retriever: group.retriever.map(Plugin::from),
            missing_on: group.missing_on,
            policy_choice: some(group.policy_choice),
            source: group.source.map(Source::from),
        }
    }
}

impl From<proto::SourceStatus> for Source {
    fn from(source: proto::SourceStatus) -> Self {
        Self {
            places: source.places,
            running: source.running,
            waiting: source.waiting,
            idle_instances: source.idle_instances,
        }
    }
}

impl From<proto::PluginStatus> for Plugin {
    fn from(plugin: proto::PluginStatus) -> Self {
        Self {
            name: plugin.name,
            state: plugin.state,
            problem: some(plugin.problem),
            failures: plugin.failures,
            sha256: some(plugin.sha256),
        }
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
