//! What a scrape reads of a node, as plain numbers.

use super::{DurationsReading, GetResult};

/// All that the metrics tell of a node.
#[derive(Clone, Debug)]
pub struct NodeReading {
    /// Its groups.
    pub groups: Vec<GroupReading>,
    /// The other nodes that it talks to.
    pub peers: Vec<PeerReading>,
    /// Nodes in its ring, itself included.
    pub ring_nodes: u64,
    /// Version of its ring.
    pub ring_version: u64,
    /// Whether the registry answers; a static list always does.
    pub registry_connected: bool,
    /// Whether the node holds what it owns, in a word.
    pub state: &'static str,
    /// Keys below the prefix in etcd that are none of ours.
    pub ignored_keys: u64,
}

/// One group. Counts only grow.
#[derive(Clone, Debug)]
pub struct GroupReading {
    /// Its name.
    pub group: String,
    /// Gets, by what came of them.
    pub gets: Vec<(GetResult, u64)>,
    /// How long gets took, the way through the server included.
    pub get_seconds: Vec<(GetResult, DurationsReading)>,
    /// Loads, by source and outcome.
    pub loads: Vec<LoadReading>,
    /// How long loads took, by source.
    pub load_seconds: Vec<(&'static str, DurationsReading)>,
    /// Entries that other nodes took over, or did not.
    pub handed_over: Vec<(&'static str, u64)>,
    /// Bytes that they took over.
    pub handed_over_bytes: u64,
    /// Entries that left, by reason: policy, fallback, expired, removed.
    pub evictions: Vec<(&'static str, u64)>,
    /// Entries now.
    pub entries: u64,
    /// Bytes held now: keys, values and the fixed overhead of each entry.
    pub bytes: u64,
    /// Most bytes that it may hold.
    pub capacity_bytes: u64,
    /// Its policy.
    pub policy: PolicyReading,
}

/// What came of loads from one source.
#[derive(Clone, Debug)]
pub struct LoadReading {
    /// Where the value was asked for.
    pub source: &'static str,
    /// What the answer was.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

/// The eviction policy of a group.
#[derive(Clone, Debug)]
pub struct PolicyReading {
    /// A built-in's name or the file it came from.
    pub name: String,
    /// Whether it decides, or the node does in its place.
    pub state: &'static str,
    /// Failures, by kind.
    pub failures: Vec<(&'static str, u64)>,
    /// How long its steps took.
    pub step_seconds: DurationsReading,
    /// What it says of itself, by names that are each there once.
    pub statistics: Vec<(String, f64)>,
}

/// Requests to one other node.
#[derive(Clone, Debug)]
pub struct PeerReading {
    /// Its address.
    pub peer: String,
    /// How many, by outcome.
    pub requests: Vec<(&'static str, u64)>,
}
