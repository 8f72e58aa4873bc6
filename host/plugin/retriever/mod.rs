//! Retrievers as components.

mod calls;
mod component;
mod connection;
mod limits;
mod link;
mod network;
mod spans;
mod state;
mod tls;
mod turns;

pub use component::{RetrieverComponent, RetrieverConfig};
pub use limits::RetrieverLimits;
pub use network::{AllowNet, AllowNetError};
