//! Counters and gauges of a policy's own.

use crate::Policy;

/// A policy that tells numbers about itself, which the node puts into its metrics and on its
/// page. Export it with `export_policy!(Mine, introspect)`.
pub trait Introspect: Policy {
    /// The numbers with their names, such as `ghosts`. The names are few, and always the same.
    fn statistics(&self) -> Vec<(&'static str, f64)>;
}
