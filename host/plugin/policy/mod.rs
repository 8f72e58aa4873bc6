//! Policies as components.

mod calls;
mod component;
mod instance;
mod link;

pub use component::{PolicyComponent, PolicyLimits};
