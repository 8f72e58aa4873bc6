//! The sockets of a node that has not started, so that its addresses are known before.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::StartError;
use super::membership;
use crate::config::Config;
use crate::server::Listeners;

/// The sockets of a node, bound as its configuration says.
#[derive(Debug)]
pub struct Bound {
    pub(super) config: Config,
    pub(super) listeners: Listeners,
    pub(super) address: SocketAddr,
    pub(super) http_address: Option<SocketAddr>,
    pub(super) redis_address: Option<SocketAddr>,
    pub(super) advertised: String,
}

impl Bound {
    /// Binds the addresses of `config`. Nothing is answered yet.
    ///
    /// # Errors
    /// [`StartError::Listen`] and [`StartError::Advertise`].
    pub async fn listen(config: Config) -> Result<Self, StartError> {
        let (grpc, address) = listen(&config.listen, "--listen").await?;
        let http = listen_if(config.http.as_deref(), "--http").await?;
        let redis = listen_if(config.redis.as_deref(), "--redis").await?;
        let advertised = membership::advertised(&config, address)?;
        let (http, http_address) = http.unzip();
        let (redis, redis_address) = redis.unzip();
        let listeners = Listeners { grpc, http, redis };
        Ok(Self { config, listeners, address, http_address, redis_address, advertised })
    }

    /// The address that the node advertises, with its real port.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }
}

async fn listen_if(
    address: Option<&str>,
    flag: &'static str,
) -> Result<Option<(TcpListener, SocketAddr)>, StartError> {
    match address {
        Some(address) => listen(address, flag).await.map(Some),
        None => Ok(None),
    }
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
