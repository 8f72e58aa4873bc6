//! The errors of starting a node.

use std::net::SocketAddr;

use crate::access::AccessError;
use crate::error::Error;
use crate::membership::registry::RegistryError;
use crate::ownership::ListProblem;
#[cfg(feature = "plugins")]
use crate::plugin::{AllowNetError, LoadError};
use crate::policy::Failure;
use crate::tls::TlsError;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Groups can't be made as configured. Each problem is listed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Groups(Vec<GroupProblem>),
    /// The node can't listen on an address.
    #[error(
        "{address} can't be listened on: {reason}; give another with {flag} (port 0 picks a free one)"
    )]
    Listen {
        /// The address as configured.
        address: String,
        /// The error of the operating system.
        reason: String,
        /// The flag that sets this address.
        flag: &'static str,
    },
    /// The address to advertise does not name a host that other nodes could reach.
    #[error(
        "{0} names no single host that other nodes could reach; give the address that they can \
         with --advertise"
    )]
    Advertise(String),
    /// Other machines can reach an address, and nothing protects it.
    #[error(
        "{address} can be reached from other machines, which may then read, change and \
         clear everything; give --tls-cert and --tls-key or --tokens (docs/security.md), listen \
         on 127.0.0.1 with {flag}, or accept that with --insecure"
    )]
    Insecure {
        /// The address that is listened on.
        address: SocketAddr,
        /// The flag that sets this address.
        flag: &'static str,
    },
    /// Certificates or keys can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file of the callers can't be used.
    #[error(transparent)]
    Tokens(#[from] AccessError),
    /// Callers need tokens, and other nodes nothing.
    #[error(
        "a caller without a token could call this node as another node does; give \
         --tls-cert, --tls-key and --tls-client-ca, or --cluster-secret"
    )]
    OpenPeers,
    /// The secret of the cluster can't be sent.
    #[error("the secret of the cluster may have visible ASCII characters only; give another")]
    Secret,
    /// This node can't take part in its cluster.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The list of nodes or this node's own address is wrong.
    #[error(transparent)]
    List(#[from] ListProblem),
}

/// Why a group can't be made.
#[derive(Debug, thiserror::Error)]
#[error("group {group}: {cause}")]
#[non_exhaustive]
pub struct GroupProblem {
    /// The group.
    pub group: String,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with a group's parts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// A plugin can't be loaded.
    #[cfg(feature = "plugins")]
    #[error(transparent)]
    Plugin(#[from] LoadError),
    /// This program was built without plugins.
    #[error(
        "the plugin {0:?} can't be loaded, as this program was built without plugins; build it \
         with the feature `plugins`, or give a native one"
    )]
    WithoutPlugins(String),
    /// The policy was loaded, but its worker does not start.
    #[error("the policy does not start: it {0}")]
    Worker(#[from] Failure),
    /// An entry of `allow-net` is not valid.
    #[cfg(feature = "plugins")]
    #[error("allow-net: {0}")]
    AllowNet(#[from] AllowNetError),
    /// A setting is not valid.
    #[error(transparent)]
    Setting(#[from] Error),
}
