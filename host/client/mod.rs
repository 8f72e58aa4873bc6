//! A client of a cluster, for programs in Rust. A program that has no node in it takes it from
//! the crate `psycache-client`, which is this module alone.
//!
//! The client keeps one connection with one stream to each node. It asks the node that
//! owns the key, so that most answers come from memory without a second hop. The list of
//! nodes is fixed, or the client follows it in etcd. If a node leaves, dies or hangs, no
//! request fails: any other node can answer for any key.
//!
//! A node may lend the client the value of a hot key for a quarter of a second. Gets of it
//! are answered with [`Origin::Hot`] meanwhile, and changes of the key wait, so no get returns
//! an older value after a change.
//!
//! ```
//! use psycache::client::{Client, ClientConfig, Reason};
//! # use psycache::config;
//! # use psycache::node::Node;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut config = config::Config::default();
//! # config.listen = "127.0.0.1:0".into();
//! # config.http = None;
//! # config.groups = vec![config::Group::new("scores")];
//! # let node = Node::start(config).await?;
//! # let address = node.address().to_string();
//! let client = Client::connect(ClientConfig::list([address])).await?;
//! let scores = client.group("scores");
//! scores.set("Ada", "1815", None).await?;
//! assert_eq!(scores.get("Ada").await?.value, "1815");
//!
//! scores.remove("Ada").await?;
//! let error = scores.get("Ada").await.unwrap_err();
//! assert_eq!(error.reason, Reason::NoRetriever);
//! # node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! In a cluster with etcd, the client follows it (feature `etcd`):
//!
//! ```no_run
//! # #[cfg(feature = "etcd")]
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! use psycache::client::{Client, ClientConfig, EtcdConfig};
//!
//! let etcd = EtcdConfig::new(vec!["http://10.0.0.9:2379".into()]);
//! let client = Client::connect(ClientConfig::etcd(etcd)).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod config;
mod error;

mod connect;
mod group;
mod many;
mod sets;

mod ask;
mod borrowed;
mod call;
mod node;
mod node_clock;
mod nodes;
#[cfg(feature = "etcd")]
mod registered;

#[cfg(feature = "etcd")]
#[doc(inline)]
pub use crate::membership::registry::RegistryError;
#[cfg(feature = "etcd")]
#[doc(inline)]
pub use crate::membership::registry::etcd::{EtcdConfig, EtcdTls};
#[doc(inline)]
pub use crate::tls::ClientTls;
#[doc(inline)]
pub use crate::value::{Origin, Ttl};
pub use answer::Answer;
pub use config::{ClientConfig, Nodes};
pub use connect::Client;
pub use error::{ConnectError, Error, Reason};
pub use group::Group;
