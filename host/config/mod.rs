//! The configuration of a node, read from flags, environment and file.
//!
//! Each source gives [`Settings`], in which everything is optional. The sources are merged
//! into one [`Config`], in which every setting has a value and all are checked.

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
pub(crate) use flags::{unless_empty, with_variable};
pub use node::{
    Cluster, Config, DEFAULT_CAPACITY_BYTES, DEFAULT_GROUP, DEFAULT_HTTP, DEFAULT_LISTEN,
    DEFAULT_TTL, Group, Registry,
};
pub use plugin::Plugin;
pub use secret::Secret;
pub use settings::{
    ClusterSettings, GroupSettings, PolicySettings, RetrieverSettings, Settings, TelemetrySettings,
};
