//! TLS: certificates that are read again when their files change, connections that others
//! make to this node, connections that this process makes to nodes, and those of retrievers to
//! their sources. The only module that names rustls.

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
#[cfg(feature = "plugins")]
mod session;

pub use config::{ClientTls, Tls, TlsVersion};
pub use error::TlsError;
pub use keeper::Certificates;
pub use names::{NamePattern, Names};

pub(crate) use accept::accept;
pub(crate) use connect::Outgoing;
pub(crate) use identity::Speaks;
pub(crate) use plain_speaker::refusal;
#[cfg(feature = "cli")]
pub(crate) use problem::explain;
pub(crate) use problem::reason;
#[cfg(feature = "plugins")]
pub(crate) use session::{Session, trust_of_system};
pub(crate) use stream::Stream;
