//! The worker against a store that keeps its contract and policies that do not.

mod failures;
mod lab;
mod lies;
mod model;
mod native;
mod random;
mod scripts;
mod steps;
mod swaps;
mod threads;
