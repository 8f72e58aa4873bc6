//! Groups of several nodes as one cache. Stores, policies, rings and registrations are
//! real; the wires between the nodes are the test's, so that it can cut them and count
//! what passes.

mod rig;

mod changes;
mod copies;
mod gets;
mod moves;
