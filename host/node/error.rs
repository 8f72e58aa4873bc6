//! Why a node does not start.

use crate::error::Error;
use crate::membership::registry::RegistryError;
use crate::ownership::ListProblem;
#[cfg(feature = "plugins")]
use crate::plugin::{AllowNetError, LoadError};
use crate::policy::Failure;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Groups can't be made as they are configured; each problem is told of.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Groups(Vec<GroupProblem>),
    /// An address can't be listened on.
    #[error(
        "{address} can't be listened on: {reason}; give another with {flag} (port 0 picks a free one)"
    )]
    Listen {
        /// As it was given.
        address: String,
        /// What the system says.
        reason: String,
        /// Which address it is.
        flag: &'static str,
    },
    /// Other nodes can't reach this one by the address that it would advertise.
    #[error(
        "{0} names no single host that other nodes could reach; give the address that they can \
         with --advertise"
    )]
    Advertise(String),
    /// This node can't take part in its cluster.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The list of nodes can't be right, or this node's own address.
    #[error(transparent)]
    List(#[from] ListProblem),
}

/// Why a group can't be made.
#[derive(Debug, thiserror::Error)]
#[error("group {group}: {cause}")]
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
    /// No plugin can be loaded by this program.
    #[error(
        "the plugin {0:?} can't be loaded, as this program was built without plugins; build it \
         with the feature `plugins`, or give a native one"
    )]
    WithoutPlugins(String),
    /// The policy was loaded, and fails all the same.
    #[error("the policy does not start: it {0}")]
    Worker(#[from] Failure),
    /// A place on the network can't be one.
    #[cfg(feature = "plugins")]
    #[error("allow-net: {0}")]
    AllowNet(#[from] AllowNetError),
    /// A setting can't be.
    #[error(transparent)]
    Setting(#[from] Error),
}
