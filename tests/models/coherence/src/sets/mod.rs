//! A model of the sets of one client: their way through a node to the owner of their key, their
//! duplicates, and the moment at which their time is over by a clock that drifts.
//!
//! Who owns the key is taken from the other model: at most one node holds it.

mod state;

mod act;

mod flaw;
mod mutants;

mod scope;

mod steps;

mod client;

mod time;

mod node;

mod model;

mod scopes;

pub(crate) use mutants::MUTANTS;
pub(crate) use scope::Scope;
pub(crate) use scopes::scopes;

#[cfg(test)]
mod tests;
