//! TLS: certificates that are read again when their files change, connections that others
//! make to this node, and connections that this process makes to nodes. The only module that
//! names rustls.

mod config;
mod error;
mod names;
mod pem;
mod verify;

mod identity;
mod keeper;

mod accept;
mod plain_speaker;
mod stream;

mod connect;
mod problem;

pub use config::{ClientTls, Tls, TlsVersion};
pub use error::TlsError;
pub use keeper::Certificates;
pub use names::NamePattern;

pub(crate) use accept::accept;
pub(crate) use connect::Outgoing;
pub(crate) use identity::Speaks;
pub(crate) use plain_speaker::refusal;
#[cfg(feature = "cli")]
pub(crate) use problem::explain;
pub(crate) use problem::reason;
pub(crate) use stream::Stream;
