//! The shape of `status --json`, which scripts depend on.

use serde::Serialize;

use crate::proto;

/// A node.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Report {
    pub(in crate::cli) version: String,
    pub(in crate::cli) address: String,
    pub(in crate::cli) uptime_ms: u64,
    pub(in crate::cli) ready: bool,
    pub(in crate::cli) ring_version: u64,
    pub(in crate::cli) registry: Registry,
    /// "loopback", "tls", "mutual-tls" or "insecure".
    pub(in crate::cli) security: String,
    pub(in crate::cli) nodes: Vec<Node>,
    pub(in crate::cli) groups: Vec<Group>,
}

/// Where the list of nodes comes from.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Registry {
    pub(in crate::cli) kind: String,
    pub(in crate::cli) connected: bool,
    pub(in crate::cli) problem: Option<String>,
    /// Whether the node holds the keys that it owns.
    pub(in crate::cli) state: String,
    pub(in crate::cli) ignored_keys: u64,
}

/// A node of the ring.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Node {
    pub(in crate::cli) address: String,
    pub(in crate::cli) weight: u32,
    pub(in crate::cli) share: f64,
    pub(in crate::cli) state: String,
    /// `None` unless it is unreachable.
    pub(in crate::cli) problem: Option<String>,
}

/// A group.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Group {
    pub(in crate::cli) name: String,
    pub(in crate::cli) entries: u64,
    pub(in crate::cli) bytes: u64,
    pub(in crate::cli) capacity_bytes: u64,
    pub(in crate::cli) max_entries: u64,
    pub(in crate::cli) hits: u64,
    pub(in crate::cli) misses: u64,
    /// `None` before the first get.
    pub(in crate::cli) hit_ratio: Option<f64>,
    pub(in crate::cli) loads: u64,
    pub(in crate::cli) evictions: u64,
    pub(in crate::cli) expirations: u64,
    pub(in crate::cli) policy: Option<Plugin>,
    pub(in crate::cli) retriever: Option<Plugin>,
    /// Nodes that own keys of it and have no such group.
    pub(in crate::cli) missing_on: Vec<String>,
    /// Why it has its policy, where the node chose it.
    pub(in crate::cli) policy_choice: Option<String>,
    /// `None` for a group without a data source.
    pub(in crate::cli) source: Option<Source>,
}

/// The loads at a data source.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Source {
    /// The most loads at a time; 0: any number.
    pub(in crate::cli) places: u64,
    pub(in crate::cli) running: u64,
    pub(in crate::cli) waiting: u64,
    pub(in crate::cli) idle_instances: u64,
}

/// A plugin at work.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Plugin {
    pub(in crate::cli) name: String,
    pub(in crate::cli) state: String,
    pub(in crate::cli) problem: Option<String>,
    pub(in crate::cli) failures: u64,
    pub(in crate::cli) sha256: Option<String>,
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
