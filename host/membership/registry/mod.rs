//! Where a node learns which nodes there are: a fixed list, etcd, or the program
//! that it runs in.

pub mod etcd;
mod in_memory;
mod static_list;

pub use in_memory::InMemory;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::cluster::Standing;

/// Where to look for the other nodes.
#[derive(Clone, Debug, Default)]
pub enum Config {
    /// There are none.
    #[default]
    Alone,
    /// These addresses, for as long as the node runs.
    Static(Vec<String>),
    /// Whoever is registered in etcd.
    Etcd(etcd::Config),
    /// The other nodes of this program.
    InMemory(InMemory),
}

/// A node as the registry knows it, and as it stands there in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The address that it advertises: its identity.
    pub address: String,
    /// Its share of the keys relative to the others'.
    pub weight: u32,
    /// The version of PsyCache that it runs.
    #[serde(default)]
    pub version: String,
    /// When its process started, RFC 3339 with milliseconds.
    #[serde(default)]
    pub started: String,
}

impl Member {
    /// This process, known by `address`.
    #[must_use]
    pub fn own(address: impl Into<String>, weight: u32) -> Self {
        let now = std::time::SystemTime::now();
        Self {
            address: address.into(),
            weight,
            version: env!("CARGO_PKG_VERSION").into(),
            started: humantime::format_rfc3339_millis(now).to_string(),
        }
    }
}

/// All nodes at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// By address. This node, if there is one, is always among them.
    pub nodes: Vec<Member>,
    /// Whether the registry answers.
    pub connected: bool,
    /// Why it does not; empty while it does.
    pub problem: String,
    /// How often this node had entered the register, for the first time or after it
    /// was taken off, when this list was made. See
    /// [`Standing::registers`](crate::cluster::Standing::registers).
    pub registrations: u64,
}

/// Why a node can't take part.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A live node has registered the same address.
    #[error(
        "the address {address} is taken: a node of version {} that started at {} renews \
         it; give this node its own --advertise address, or stop the other one",
        holder.version, holder.started
    )]
    AddressTaken {
        /// The address.
        address: String,
        /// Who holds it.
        holder: Box<Member>,
    },
    /// An option can't be used, or etcd does not let this node in.
    #[error("etcd: {0}")]
    Refused(String),
    /// It does not answer one who is no node, and has nothing to go on with.
    #[error("etcd does not answer: {0}")]
    Unreachable(String),
}

/// A running registration.
#[derive(Debug)]
pub struct Registry {
    membership: watch::Receiver<Arc<Membership>>,
    /// Kept so that a fixed membership's channel stays open, or the etcd session.
    source: Source,
}

#[derive(Debug)]
enum Source {
    Fixed {
        _sender: watch::Sender<Arc<Membership>>,
    },
    Etcd(etcd::Registration),
    /// Registered for as long as it is there.
    InMemory {
        _registration: in_memory::Registration,
    },
}

impl Registry {
    /// Registers `own`, and tells `standing` before it enters the register and for
    /// how long it stands there. Answers as soon as it stands in the registry, or when it
    /// turns out that etcd does not answer: the node then serves alone and goes
    /// on trying.
    ///
    /// # Errors
    /// [`RegistryError`]: the node must not serve.
    pub async fn start(
        config: Config,
        own: Member,
        standing: Arc<Standing>,
    ) -> Result<Self, RegistryError> {
        let fixed = |membership| {
            let (sender, receiver) = watch::channel(Arc::new(membership));
            Self { membership: receiver, source: Source::Fixed { _sender: sender } }
        };
        match config {
            Config::Alone => Ok(fixed(static_list::membership(own, &[]))),
            Config::Static(peers) => Ok(fixed(static_list::membership(own, &peers))),
            Config::Etcd(config) => {
                let (registration, membership) = etcd::register(config, own, standing).await?;
                Ok(Self { membership, source: Source::Etcd(registration) })
            }
            Config::InMemory(register) => {
                let (registration, membership) = register.register(own)?;
                let source = Source::InMemory { _registration: registration };
                Ok(Self { membership, source })
            }
        }
    }

    /// The membership now, and its changes.
    #[must_use]
    pub fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.membership.clone()
    }

    /// Takes this node off the register, so that the others stop asking it; answers
    /// whether they can notice, which nodes of a fixed list can't. The membership
    /// stays as it was last. Waits at most two seconds for etcd.
    pub async fn leave(self) -> bool {
        match self.source {
            Source::Fixed { .. } => false,
            Source::InMemory { .. } => true,
            Source::Etcd(registration) => {
                registration.leave().await;
                true
            }
        }
    }
}

/// One who follows the nodes in etcd and is none of them.
#[derive(Debug)]
pub struct Observer {
    membership: watch::Receiver<Arc<Membership>>,
    /// Ends with this.
    _observation: etcd::Registration,
}

impl Observer {
    /// Begins to follow. Answers when the nodes are known.
    ///
    /// # Errors
    /// [`RegistryError`]: etcd does not answer, or does not let anybody in.
    pub async fn start(config: etcd::Config) -> Result<Self, RegistryError> {
        let (observation, membership) = etcd::observe(config).await?;
        Ok(Self { membership, _observation: observation })
    }

    /// The membership now, and its changes. While etcd is out of touch the last
    /// one stays.
    #[must_use]
    pub fn membership(&self) -> watch::Receiver<Arc<Membership>> {
        self.membership.clone()
    }
}
