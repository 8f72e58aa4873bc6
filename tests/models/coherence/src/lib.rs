//! An explicit-state model of the coherence protocol in `docs/coherence.md`: its rules as
//! states and steps, and a breadth-first search over all of them.
//!
//! Numbers in brackets are the rules.

mod names;
mod short_vec;

mod state;

mod right;

mod etcd;
mod leases;

mod membership;

mod join;

mod vouch;

mod data;

mod heirs;

mod copies;

mod act;
mod steps;

mod promise;

mod fingerprint;
mod search;
mod seen;

mod scope;

mod scopes;

mod flaw;
mod flaws;

mod run;

pub use flaw::Flaw;
pub use flaws::{MUTANTS, Mutant};
pub use run::{Expected, Job, run};
pub use scope::Scope;
pub use scopes::{ci_scopes, scopes};
pub use search::{Report, Violation, search, trace};
pub use state::Kind;

#[cfg(test)]
mod tests;
