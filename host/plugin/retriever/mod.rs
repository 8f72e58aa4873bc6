//! Retrievers as components.

mod component;
mod connection;
mod link;
mod network;

pub use component::{RetrieverComponent, RetrieverConfig, RetrieverLimits};
pub use network::{AllowNet, AllowNetError};
