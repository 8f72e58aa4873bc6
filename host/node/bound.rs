//! The sockets of a node that has not started, so that its addresses are known before.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::error::StartError;
use super::membership;
use super::security::is_local;
use crate::config::Config;
use crate::server::Listeners;

/// The sockets of a node, bound as its configuration says.
#[derive(Debug)]
pub struct Bound {
    pub(super) config: Config,
    pub(super) listeners: Listeners,
    pub(super) addresses: Addresses,
    pub(super) advertised: String,
}

/// Where the listeners of a node are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) grpc: SocketAddr,
    pub(super) peer: Option<SocketAddr>,
    pub(super) http: Option<SocketAddr>,
    pub(super) redis: Option<SocketAddr>,
}

impl Addresses {
    /// Where clients are served, if nodes have another address.
    pub(super) fn of_clients(self) -> Option<SocketAddr> {
        self.peer.map(|_| self.grpc)
    }

    pub(super) fn all(self) -> [Option<SocketAddr>; 4] {
        [Some(self.grpc), self.peer, self.http, self.redis]
    }
}

impl Bound {
    /// Binds the addresses of `config`. Nothing is answered yet.
    ///
    /// # Errors
    /// [`StartError::Listen`], [`StartError::Advertise`] and [`StartError::Insecure`].
    pub async fn listen(config: Config) -> Result<Self, StartError> {
        let (grpc, address) = listen(&config.listen, "--listen").await?;
        let peer = listen_if(config.peer_listen.as_deref(), "--peer-listen").await?;
        let http = listen_if(config.http.as_deref(), "--http").await?;
        let redis = listen_if(config.redis.as_deref(), "--redis").await?;
        check_secured(&config, address, "--listen")?;
        for (listener, flag) in [(&peer, "--peer-listen"), (&http, "--http"), (&redis, "--redis")] {
            if let Some((_, address)) = listener {
                check_secured(&config, *address, flag)?;
            }
        }
        let (peer, peer_address) = peer.unzip();
        let advertised = membership::advertised(&config, peer_address.unwrap_or(address))?;
        let (http, http_address) = http.unzip();
        let (redis, redis_address) = redis.unzip();
        let listeners = Listeners { grpc, peer, http, redis };
        let addresses = Addresses {
            grpc: address,
            peer: peer_address,
            http: http_address,
            redis: redis_address,
        };
        Ok(Self { config, listeners, addresses, advertised })
    }

    /// The address that the node advertises, with its real port.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }
}

/// Checks that an address is protected if other machines can reach it.
fn check_secured(
    config: &Config,
    address: SocketAddr,
    flag: &'static str,
) -> Result<(), StartError> {
    let is_open = config.tls.is_none() && config.tokens.is_none() && !is_local(&address);
    match is_open && !config.insecure {
        true => Err(StartError::Insecure { address, flag }),
        false => Ok(()),
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
