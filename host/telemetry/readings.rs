//! The values that a scrape reads of a node.

use super::{DurationsReading, GetResult};

/// The metrics of a node.
#[derive(Clone, Debug)]
pub struct NodeReading {
    /// Its groups.
    pub groups: Vec<GroupReading>,
    /// The shadows of the groups that have one.
    pub shadows: Vec<ShadowReading>,
    /// The other nodes that it sends requests to.
    pub peers: Vec<PeerReading>,
    /// Number of nodes in its ring, itself included.
    pub ring_nodes: u64,
    /// Version of its ring.
    pub ring_version: u64,
    /// Whether the registry answers; always true for a static list.
    pub registry_connected: bool,
    /// The state of the node's ownership as one word, such as "holds".
    pub state: &'static str,
    /// Number of keys below the prefix in etcd that are not registrations of nodes.
    pub ignored_keys: u64,
    /// Number of spans of traces that did not reach the collector.
    pub traces_dropped: u64,
    /// Number of open connections of Redis clients.
    pub redis_connections: u64,
    /// Number of changes by callers, and of calls that were refused, by kind.
    pub audited: Vec<(&'static str, u64)>,
    /// Connections of all listeners.
    pub connections: ConnectionsReading,
    /// Certificates; `None` without TLS.
    pub certificates: Option<CertificateReading>,
}

/// The connections of a node.
#[derive(Clone, Debug, Default)]
pub struct ConnectionsReading {
    /// Open ones, by listener.
    pub open: Vec<(&'static str, u64)>,
    /// Those that were refused or ended, by listener and reason.
    pub refused: Vec<(&'static str, &'static str, u64)>,
    /// Bytes of requests and answers that they hold.
    pub held_bytes: u64,
}

/// The certificates of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateReading {
    /// When the certificate expires, in seconds since 1970.
    pub expires_at: u64,
    /// How often new files were taken.
    pub taken: u64,
    /// How often new files were refused.
    pub refused: u64,
    /// Connections that did not become TLS connections.
    pub failed_handshakes: u64,
}

/// The metrics of one group. Counters only increase.
#[derive(Clone, Debug)]
pub struct GroupReading {
    /// Its name.
    pub group: String,
    /// Number of gets, by result.
    pub gets: Vec<(GetResult, u64)>,
    /// Durations of the gets that arrived over the network, by result.
    pub get_seconds: Vec<(GetResult, DurationsReading)>,
    /// Number of loads, by source and outcome.
    pub loads: Vec<LoadReading>,
    /// Durations of loads, by source.
    pub load_seconds: Vec<(&'static str, DurationsReading)>,
    /// What happened beside the loads that gets wait for: retries, and values loaded again.
    pub source_events: Vec<(&'static str, u64)>,
    /// The loads at the source, and the instances of its component; `None` without a source.
    pub source: Option<SourceGauges>,
    /// Number of entries offered to other nodes: those kept there and those refused.
    pub handed_over: Vec<(&'static str, u64)>,
    /// Bytes of the entries that other nodes kept.
    pub handed_over_bytes: u64,
    /// Number of entries that left, by reason: policy, fallback, expired, removed.
    pub evictions: Vec<(&'static str, u64)>,
    /// Current number of entries.
    pub entries: u64,
    /// Bytes held now: keys, values and the fixed overhead of each entry.
    pub bytes: u64,
    /// Most bytes that the group may hold.
    pub capacity_bytes: u64,
    /// Its policy.
    pub policy: PolicyReading,
}

/// The loads and instances of a source.
#[derive(Clone, Debug)]
pub struct SourceGauges {
    /// The most loads at a time; 0: any number.
    pub places: u64,
    /// Loads by their state: running, waiting.
    pub loads: Vec<(&'static str, u64)>,
    /// Instances of the component that are not in use.
    pub idle_instances: u64,
    /// Instances by what happened to them: started, discarded.
    pub instances: Vec<(&'static str, u64)>,
    /// Calls for several keys.
    pub batches: u64,
    /// Keys in these calls.
    pub batched_keys: u64,
    /// Whether the source answered the last load or probe.
    pub answers: bool,
}

/// The loads from one source with one outcome.
#[derive(Clone, Debug)]
pub struct LoadReading {
    /// Label of the source.
    pub source: &'static str,
    /// Label of the outcome.
    pub outcome: &'static str,
    /// Number of loads.
    pub count: u64,
}

/// The eviction policy of a group.
#[derive(Clone, Debug)]
pub struct PolicyReading {
    /// Name of a built-in policy, or the file of the component.
    pub name: String,
    /// State of the worker, such as "running".
    pub state: &'static str,
    /// Number of failures, by kind.
    pub failures: Vec<(&'static str, u64)>,
    /// Changes by the node, by reason; none if it does not choose the policy.
    pub auto_changes: Vec<(&'static str, u64)>,
    /// Durations of its steps.
    pub step_seconds: DurationsReading,
    /// The policy's own statistics. Their names are unique.
    pub statistics: Vec<(String, f64)>,
}

/// The shadow of a group.
#[derive(Clone, Debug)]
pub struct ShadowReading {
    /// Name of the group.
    pub group: String,
    /// The group's own hit ratio in the time of the shadow; `None` without requests.
    pub live_hit_ratio: Option<f64>,
    /// The candidates that were measured.
    pub rows: Vec<ShadowRowReading>,
    /// Accesses that it had no time for.
    pub lost: u64,
}

/// A candidate in a shadow.
#[derive(Clone, Debug)]
pub struct ShadowRowReading {
    /// Name of the policy, with its options.
    pub policy: String,
    /// Multiple of the group's capacity, such as `0.5x`.
    pub capacity: String,
    /// Its hit ratio.
    pub hit_ratio: f64,
    /// How far off the ratio may be.
    pub error: f64,
    /// Loads a second that the group would have less.
    pub loads_saved_per_second: f64,
}

/// Requests to one other node.
#[derive(Clone, Debug)]
pub struct PeerReading {
    /// Its address.
    pub peer: String,
    /// Number of requests, by outcome.
    pub requests: Vec<(&'static str, u64)>,
}
