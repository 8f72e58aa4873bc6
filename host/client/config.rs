//! The configuration of a client.

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "etcd")]
use crate::membership::registry::etcd::EtcdConfig;
use crate::tls::ClientTls;

/// How a client finds nodes, and its limits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Which nodes there are.
    pub nodes: Nodes,
    /// The timeout of a call, including all attempts.
    pub timeout: Duration,
    /// The longest value that is accepted from a node, and the most that the values of a call
    /// have together, in bytes.
    pub max_value_bytes: usize,
    /// The most bytes of each group that the client keeps of hot values that nodes lend it;
    /// 0: each get asks a node.
    pub copies_bytes: u64,
    /// TLS of the connections; `None` for connections without it.
    pub tls: Option<ClientTls>,
    /// The file with the token that shows who calls, in its first line; `None` for no token. It
    /// is read for each connection, so a client gets a new token from it.
    pub token_file: Option<PathBuf>,
}

/// Which nodes there are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Nodes {
    /// These nodes, as `host:port`. They need not be all nodes of the cluster.
    List(Vec<String>),
    /// The nodes that are registered in etcd; the client follows changes. It reads below the
    /// prefix and writes nothing.
    #[cfg(feature = "etcd")]
    Etcd(EtcdConfig),
}

impl ClientConfig {
    /// The configuration for these nodes, with a timeout of five seconds, values of at most
    /// 64 MiB, and 4 MiB for copies of hot ones.
    pub fn list<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self::of(Nodes::List(addresses.into_iter().map(Into::into).collect()))
    }

    /// The same for the nodes that are registered in etcd.
    #[cfg(feature = "etcd")]
    #[must_use]
    pub fn etcd(etcd: EtcdConfig) -> Self {
        Self::of(Nodes::Etcd(etcd))
    }

    fn of(nodes: Nodes) -> Self {
        Self {
            nodes,
            timeout: Duration::from_secs(5),
            max_value_bytes: 64 << 20,
            copies_bytes: 4 << 20,
            tls: None,
            token_file: None,
        }
    }
}
