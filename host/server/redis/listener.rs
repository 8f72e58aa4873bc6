//! Accepts connections, and ends them when the node stops.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::connections::RedisConnections;
use super::shared::Shared;
use crate::server::config::ServerConfig;
use crate::server::groups::Groups;
use crate::server::health::Health;
use crate::server::limit::max_message_bytes;

/// The pause after a connection that could not be accepted, for want of file descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

/// As long as gRPC takes to notice a client that lost its power, or little longer.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

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
        port: u16,
    ) -> Option<Self> {
        let first = Arc::clone(groups.at(0)?);
        Some(Self(Arc::new(Shared {
            groups,
            first,
            health,
            connections,
            request_timeout: config.request_timeout,
            most_bytes: max_message_bytes(config.max_value_bytes),
            port,
            started: Instant::now(),
        })))
    }

    /// Serves one connection until the client or the node ends it.
    ///
    /// # Errors
    /// The connection broke, or the client did not take its answers in time.
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        address: Option<std::net::SocketAddr>,
    ) -> io::Result<()> {
        let peer = self.0.connections.register(address);
        let mut connection = Connection::new(stream, &self.0, peer);
        poll_fn(|cx| connection.poll(cx)).await
    }

    /// Accepts connections until `stop` resolves, then waits until all open connections have
    /// ended. Each ends by itself while the node drains.
    pub(in crate::server) async fn accept(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) {
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = connections.join_next() => note_end(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        // Answers are written as a whole, so there is nothing to wait for.
                        let _ = stream.set_nodelay(true);
                        if let Err(problem) = keep_alive(&stream) {
                            tracing::debug!(%problem, "A Redis client has no TCP keepalive");
                        }
                        let service = self.clone();
                        connections.spawn(async move {
                            service.serve(stream, Some(address)).await
                        });
                    }
                    Err(problem) => {
                        tracing::warn!(%problem, "A Redis client can't be accepted; raise the limit of open files if there are too many");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    }
}

/// Has the kernel look whether an idle client is there, so that one that lost its power does not
/// hold its connection for ever.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES)?;
    Ok(sockopt::set_socket_keepalive(stream, true)?)
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
