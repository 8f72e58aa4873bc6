//! The configuration of a node, read from flags, environment and file.
//!
//! Each source gives [`Settings`], in which everything is optional. The sources are merged
//! into one [`Config`], in which every setting has a value and all are checked.

mod auto;
mod choice;
mod error;
mod file;
#[cfg(feature = "cli")]
mod flags;
mod layers;
mod limits;
mod node;
mod plugin;
mod plugin_settings;
mod resolve;
mod secret;
mod settings;
pub(crate) mod text;

#[cfg(all(test, feature = "cli"))]
mod tests;

pub use auto::AutoPolicy;
pub use choice::{NativePolicy, NativeRetriever, PolicyChoice, RetrieverChoice};
#[doc(hidden)]
pub use error::Error;
#[cfg(feature = "cli")]
pub(crate) use flags::{unless_empty, variable, with_variable};
pub use node::{Cluster, Config, Group, Registry};
pub use plugin::Plugin;
pub use secret::Secret;
#[doc(hidden)]
pub use settings::Settings;

#[doc(inline)]
pub use crate::group::{GroupConfig, RefreshAhead, Uncertain};
#[doc(inline)]
pub use crate::membership::registry::InMemory;
#[doc(inline)]
pub use crate::membership::registry::etcd::{EtcdConfig, EtcdTls};
#[doc(inline)]
pub use crate::retriever::LoadLimits;
#[doc(inline)]
pub use crate::server::ConnectionLimits;
#[doc(inline)]
pub use crate::store::StoreConfig;
#[doc(inline)]
pub use crate::tls::{NamePattern, Tls, TlsVersion};
