//! What a node is told: flags, environment and file, as one checked whole.
//!
//! A source of settings gives [`Settings`], where everything is optional. Layers
//! of them become one [`Config`], in which nothing is left to doubt.

mod choice;
mod error;
mod file;
#[cfg(feature = "cli")]
mod flags;
mod layers;
mod node;
mod plugin;
mod resolve;
mod secret;
mod settings;
pub mod text;

#[cfg(all(test, feature = "cli"))]
mod tests;

pub use choice::{NativePolicy, NativeRetriever, PolicyChoice, RetrieverChoice};
pub use error::Error;
#[cfg(feature = "cli")]
pub(crate) use flags::with_variable;
pub use node::{
    Cluster, Config, DEFAULT_CAPACITY_BYTES, DEFAULT_GROUP, DEFAULT_HTTP, DEFAULT_LISTEN,
    DEFAULT_TTL, Group, Registry,
};
pub use plugin::Plugin;
pub use secret::Secret;
pub use settings::{
    ClusterSettings, GroupSettings, PolicySettings, RetrieverSettings, Settings, TelemetrySettings,
};
