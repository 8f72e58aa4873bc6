//! What is measured of the loads at a source.

/// The loads and instances of a source at one moment. Counters only increase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceReading {
    /// The most loads at a time; 0: any number.
    pub places: u64,
    /// Loads that have a place.
    pub running: u64,
    /// Loads that wait for a place.
    pub waiting: u64,
    /// Calls for several keys.
    pub batches: u64,
    /// Keys in these calls.
    pub batched_keys: u64,
    /// Instances of the component that are not in use.
    pub idle_instances: u64,
    /// Instances that were started.
    pub started_instances: u64,
    /// Instances that were thrown away because their load failed in them or was given up.
    pub discarded_instances: u64,
}
