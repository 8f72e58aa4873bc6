//! A store as its callers see it.

mod basics;
mod model;
mod stress;
mod tap;
