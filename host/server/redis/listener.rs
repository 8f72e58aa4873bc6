//! Accepts connections, and ends them when the node stops.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::connections::RedisConnections;
use super::shared::Shared;
use super::visitor::Visitor;
use crate::server::callers::Callers;
use crate::server::config::ServerConfig;
use crate::server::connections::Account;
use crate::server::groups::Groups;
use crate::server::health::Health;
use crate::server::incoming::Incoming;
use crate::server::limit::max_message_bytes;
use crate::tls::Names;

/// The Redis protocol in front of the groups of a node.
#[derive(Clone)]
pub struct RedisService(Arc<Shared>);

impl RedisService {
    /// Serves these groups; `None` if there is none. `port` is what INFO shows.
    #[must_use]
    pub fn new(
        config: &ServerConfig,
        groups: Groups,
        health: Arc<Health>,
        connections: Arc<RedisConnections>,
        callers: Callers,
        port: u16,
    ) -> Option<Self> {
        let first = Arc::clone(groups.at(0)?);
        Some(Self(Arc::new(Shared {
            groups,
            first,
            health,
            connections,
            callers,
            request_timeout: config.request_timeout,
            most_bytes: max_message_bytes(config.max_value_bytes),
            port,
            started: Instant::now(),
        })))
    }

    /// Serves one connection until the client or the node ends it. What it takes is not limited
    /// beyond its own buffers.
    ///
    /// # Errors
    /// The connection broke, or the client did not take its answers in time.
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        address: Option<SocketAddr>,
    ) -> io::Result<()> {
        self.serve_for(&Account::of_no_listener(), Arc::default(), stream, address).await
    }

    /// Serves a client with these names in its certificate.
    async fn serve_for(
        &self,
        account: &Arc<Account>,
        names: Arc<Names>,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        address: Option<SocketAddr>,
    ) -> io::Result<()> {
        let peer = self.0.connections.register(address);
        let visitor = Visitor::new(self.0.callers.clone(), names, address, Arc::clone(account));
        let mut connection = Connection::new(stream, &self.0, peer, account, visitor);
        poll_fn(|cx| connection.poll(cx)).await
    }

    /// Accepts connections until `stop` resolves, then waits until all open connections have
    /// ended. Each ends by itself while the node drains.
    pub(in crate::server) async fn accept(
        &self,
        mut incoming: Incoming,
        stop: impl Future<Output = ()>,
    ) {
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = connections.join_next() => note_end(ended),
                (stream, admitted) = incoming.next() => {
                    let service = self.clone();
                    let names = stream.names();
                    connections.spawn(async move {
                        let address = Some(admitted.address);
                        tokio::select! {
                            served = service.serve_for(&admitted.account, names, stream, address) => served,
                            () = admitted.ended() => Ok(()),
                        }
                    });
                }
            }
        }
        drop(incoming);
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    }
}

fn note_end(ended: Result<io::Result<()>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => tracing::debug!(%problem, "A Redis client's connection broke"),
        Err(panic) => {
            tracing::error!(%panic, "A Redis connection ended by a fault of this node; report it")
        }
    }
}
