//! The names and types of `wit/psycache-plugin.wit`, as the host sees them.

use wasmtime::component::{ComponentType, Lift, Lower};

/// The package of the contract, up to an interface's name.
pub(super) const PACKAGE: &str = "psycache:plugin/";

pub(super) const POLICY: &str = "psycache:plugin/policy@0.1.0";
pub(super) const ENTRIES: &str = "psycache:plugin/entries@0.1.0";
pub(super) const INTROSPECT: &str = "psycache:plugin/introspect@0.1.0";
pub(super) const SNAPSHOT: &str = "psycache:plugin/snapshot@0.1.0";
pub(super) const RETRIEVER: &str = "psycache:plugin/retriever@0.1.0";
pub(super) const RETRIEVER_BATCH: &str = "psycache:plugin/retriever-batch@0.1.0";
pub(super) const SPANS: &str = "psycache:plugin/spans@0.1.0";
pub(super) const TLS: &str = "psycache:plugin/tls@0.1.0";
pub(super) const PROBE: &str = "psycache:plugin/probe@0.1.0";

/// `types.option-pair`
#[derive(Clone, ComponentType, Lower)]
#[component(record)]
pub(super) struct OptionPair<'a> {
    name: &'a str,
    value: &'a str,
}

/// Lends options to a guest.
pub(super) fn pairs(options: &[(String, String)]) -> Vec<OptionPair<'_>> {
    let pair = |(name, value)| OptionPair { name, value };
    options.iter().map(|(name, value)| pair((name, value))).collect()
}

/// `types.bad-option`
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct BadOption {
    pub(super) name: String,
    pub(super) problem: String,
}

/// `types.config-error`
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum ConfigError {
    #[component(name = "unknown-option")]
    UnknownOption(String),
    #[component(name = "invalid-value")]
    InvalidValue(BadOption),
    #[component(name = "missing-option")]
    MissingOption(String),
}

/// `policy.config`
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct PolicySettings<'a> {
    pub(super) capacity: u64,
    #[component(name = "max-entries")]
    pub(super) max_entries: u32,
    #[component(name = "max-victims")]
    pub(super) max_victims: u32,
    pub(super) seed: u64,
    pub(super) options: &'a [OptionPair<'a>],
}

/// `policy.configure`
pub(super) type ConfigurePolicy<'a> = (PolicySettings<'a>,);
/// The result of both `configure` functions.
pub(super) type Configured = (Result<(), ConfigError>,);
/// `policy.step`
pub(super) type Step<'a> = (&'a [u32], &'a [u32], &'a [u32], &'a [u64], &'a [u32], u64, u64);

/// `introspect.statistic`
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Statistic {
    pub(super) name: String,
    pub(super) value: f64,
}

/// `snapshot.state` from the guest
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct SavedState {
    pub(super) format: String,
    pub(super) bytes: Vec<u8>,
}

/// `snapshot.state` to the guest
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct LentState<'a> {
    pub(super) format: &'a str,
    pub(super) bytes: &'a [u8],
}

/// `retriever.config`
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct RetrieverSettings<'a> {
    pub(super) group: &'a str,
    pub(super) options: &'a [OptionPair<'a>],
    pub(super) secrets: &'a [OptionPair<'a>],
}

/// `retriever.configure`
pub(super) type ConfigureRetriever<'a> = (RetrieverSettings<'a>,);

/// `retriever.fetched`
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct LiftedValue {
    pub(super) value: Vec<u8>,
    #[component(name = "ttl-ms")]
    pub(super) ttl_ms: Option<u64>,
}

/// `retriever.fetch-error`
#[derive(ComponentType, Lift)]
#[component(variant)]
pub(super) enum LiftedError {
    #[component(name = "unavailable")]
    Unavailable(String),
    #[component(name = "rejected")]
    Rejected(String),
    #[component(name = "bad-key")]
    BadKey(String),
    #[component(name = "bad-value")]
    BadValue(String),
}

/// `types.option-pair` from the guest
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct LiftedPair {
    pub(super) name: String,
    pub(super) value: String,
}

/// `spans.span`
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct LiftedSpan {
    pub(super) name: String,
    #[component(name = "duration-us")]
    pub(super) duration_us: u64,
    pub(super) attributes: Vec<LiftedPair>,
    pub(super) error: Option<String>,
}

/// `tls.turned`
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct Turned {
    #[component(name = "to-network")]
    pub(super) to_network: Vec<u8>,
    pub(super) clear: Vec<u8>,
    pub(super) established: bool,
    pub(super) closed: bool,
}

/// The result of `retriever.fetch`.
pub(super) type FetchAnswer = (Result<Option<LiftedValue>, LiftedError>,);
/// The result of `retriever-batch.fetch-many`.
pub(super) type FetchManyAnswer = (Result<Vec<Option<LiftedValue>>, LiftedError>,);
/// The result of `probe.ping`.
pub(super) type PingAnswer = (Result<(), LiftedError>,);
