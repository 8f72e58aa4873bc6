//! Accepts connections, and makes TLS connections of them if the listener speaks TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream as Connections;
use futures::stream::unfold;
use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tonic::transport::server::Connected;

use crate::access::Memory;
use crate::telemetry::LogLimiter;
use crate::tls::{Certificates, Names, Speaks, Stream, accept};

/// The pause after a connection that could not be accepted, for want of file descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

/// The kernel notices a client that lost its power in less than a minute.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

/// Handshakes at a time. More clients wait in the kernel's queue.
const MOST_HANDSHAKES: usize = 1024;

/// At most one line about connections that can't be accepted in this time.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A listener. Handshakes run beside each other, so a slow client delays nobody.
pub(super) struct Incoming {
    listener: TcpListener,
    tls: Option<Arc<Certificates>>,
    speaks: Speaks,
    /// Aborted when this is dropped.
    handshakes: JoinSet<Option<(Stream, SocketAddr)>>,
    lines: LogLimiter,
}

/// What is known of the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The names in the certificate that it has shown.
    pub(super) names: Arc<Names>,
    /// `None` if it has gone.
    pub(super) address: Option<SocketAddr>,
    /// Whose call was the last one.
    pub(super) memory: Arc<Memory>,
}

impl Incoming {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<Arc<Certificates>>,
        speaks: Speaks,
    ) -> Self {
        let (handshakes, lines) = (JoinSet::new(), LogLimiter::every(LINE_EVERY));
        Self { listener, tls, speaks, handshakes, lines }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The next connection. No connection is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> (Stream, SocketAddr) {
        loop {
            tokio::select! {
                Some(ended) = self.handshakes.join_next() => if let Ok(Some(made)) = ended {
                    return made;
                },
                accepted = self.listener.accept(), if self.handshakes.len() < MOST_HANDSHAKES => match accepted {
                    Ok((socket, address)) => {
                        if let Some(stream) = self.begin(socket, address) {
                            return (stream, address);
                        }
                    }
                    // The pause belongs to the future, so a dropped one pauses again.
                    Err(problem) => self.pause(problem).await,
                },
            }
        }
    }

    /// The connection if it needs no handshake.
    fn begin(&mut self, socket: TcpStream, address: SocketAddr) -> Option<Stream> {
        // Messages are written as a whole, so there is nothing to wait for.
        let _ = socket.set_nodelay(true);
        if let Err(problem) = keep_alive(&socket) {
            tracing::debug!(%problem, "A connection has no TCP keepalive");
        }
        let Some(tls) = &self.tls else { return Some(Stream::Plain(socket)) };
        let (tls, speaks) = (Arc::clone(tls), self.speaks);
        self.handshakes.spawn(async move {
            accept(&tls, socket, address, speaks).await.map(|stream| (stream, address))
        });
        None
    }

    async fn pause(&self, problem: io::Error) {
        if let Some(suppressed) = self.lines.admit() {
            tracing::warn!(%problem, suppressed, "A client can't be accepted; raise the limit of open files if there are too many");
        }
        tokio::time::sleep(PAUSE).await;
    }

    /// All connections.
    pub(super) fn connections(self) -> impl Connections<Item = io::Result<Stream>> {
        unfold(self, |mut this| async move {
            let (stream, _) = this.next().await;
            Some((Ok(stream), this))
        })
    }
}

/// Has the kernel look whether an idle client is there, so that one that lost its power does not
/// hold its connection for ever: HTTP/2 looks by itself, and Redis has no such message.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_AFTER)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES)?;
    Ok(sockopt::set_socket_keepalive(stream, true)?)
}

impl Connected for Stream {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        Caller { names: self.names(), address: self.peer_addr(), memory: Arc::default() }
    }
}
