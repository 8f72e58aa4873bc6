//! An explicit-state model of the coherence protocol in `docs/coherence.md`: its rules as
//! states and steps, and a breadth-first search over all of them. Numbers in brackets are the
//! rules.
//!
//! `sets` is a second model, of the way of a set from a client to the owner of its key.

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

mod hash;

mod fingerprint;

mod model;

mod scope;

mod protocol;

mod scopes;

mod flaw;
mod flaws;
mod mutant;

mod search;
mod seen;

mod sets;

mod job;

mod jobs;

mod run;

pub use job::Job;
pub use jobs::{checks, ci, flaws, single};
pub use run::run;
pub use search::{Report, Violation};

#[cfg(test)]
mod tests;
