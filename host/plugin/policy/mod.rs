//! Policies as components.

mod calls;
mod component;
mod instance;
mod limits;
mod link;
mod trial;

pub use component::PolicyComponent;
pub use limits::PolicyLimits;
