//! TLS: certificates that are read again when their files change, connections that others
//! make to this node, connections that this process makes to nodes, and those of retrievers to
//! their sources. The only module that names rustls.

mod client;
mod connect;
mod error;
mod pem;
mod problem;

#[cfg(feature = "node")]
mod config;
#[cfg(feature = "node")]
mod expiry;
#[cfg(feature = "node")]
mod names;
#[cfg(feature = "node")]
mod verify;

#[cfg(feature = "node")]
mod identity;
#[cfg(feature = "node")]
mod keeper;

#[cfg(feature = "node")]
mod accept;
#[cfg(feature = "node")]
mod plain_speaker;
#[cfg(feature = "node")]
mod stream;

#[cfg(feature = "plugins")]
mod session;

pub use client::ClientTls;
#[cfg(feature = "node")]
pub use config::{Tls, TlsVersion};
pub use error::TlsError;
#[cfg(feature = "node")]
pub use keeper::Certificates;
#[cfg(feature = "node")]
pub use names::{NamePattern, Names};

#[cfg(feature = "node")]
pub(crate) use accept::accept;
pub(crate) use connect::Outgoing;
#[cfg(feature = "node")]
pub(crate) use identity::Speaks;
#[cfg(feature = "node")]
pub(crate) use plain_speaker::refusal;
#[cfg(feature = "cli")]
pub(crate) use problem::explain;
pub(crate) use problem::reason;
#[cfg(feature = "plugins")]
pub(crate) use session::{Session, trust_of_system};
#[cfg(feature = "node")]
pub(crate) use stream::Stream;
