//! Retrievers as components.

mod component;
mod connection;
mod link;
mod network;
mod spans;

pub use component::{RetrieverComponent, RetrieverConfig, RetrieverLimits};
pub use network::{AllowNet, AllowNetError};
