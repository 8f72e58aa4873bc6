//! Policies as components.

mod calls;
mod component;
mod instance;
mod link;
mod trial;

pub use component::{PolicyComponent, PolicyLimits};
