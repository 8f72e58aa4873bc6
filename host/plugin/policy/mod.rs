//! Policies as components.

mod calls;
mod component;
mod instance;
mod limits;
mod link;
mod outside;
mod trial;

pub use component::PolicyComponent;
#[cfg(feature = "cli")]
pub(crate) use instance::PolicyInstance;
pub use limits::PolicyLimits;
#[cfg(feature = "cli")]
pub(crate) use outside::Outside;
