//! The WebAssembly side of policies and retrievers; the only place that names wasmtime.

mod engine;
mod inspect;
mod load_error;
mod resolve;

mod policy;
mod retriever;

mod builtin;
mod compiled_files;
mod contract;
mod guest_log;
mod kind;
mod load;
mod one_line;
mod quota;
mod start;
mod ticker;
mod watch;

#[cfg(test)]
mod tests;

#[cfg(feature = "cli")]
pub(crate) use watch::processor_time;

pub use engine::{CompileCache, Engines};
pub use inspect::Inspection;
pub use kind::Kind;
pub use load_error::LoadError;
#[cfg(feature = "cli")]
pub(crate) use policy::{Outside, PolicyInstance};
pub use policy::{PolicyComponent, PolicyLimits};
pub use resolve::{MAX_COMPONENT_BYTES, Plugin};
pub use retriever::{
    AllowNet, AllowNetError, RetrieverComponent, RetrieverConfig, RetrieverLimits,
};
