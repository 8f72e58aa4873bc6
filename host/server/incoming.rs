//! Accepts connections, as many as there may be, and makes TLS connections of them if the
//! listener speaks TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connections::{Admitted, ConnectionLimits, Connections, ListenerKind, Refused};
use crate::telemetry::LogLimiter;
use crate::tls::{Certificates, Stream, accept, refusal};

/// The pause after a connection that could not be accepted, for want of file descriptors say.
const PAUSE: Duration = Duration::from_millis(100);

/// The kernel notices a client that lost its power in less than a minute.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_PROBES: u32 = 3;

/// At most one line about connections that can't be accepted in this time.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A listener. Handshakes run beside each other, so a slow client delays nobody.
pub(super) struct Incoming {
    listener: TcpListener,
    kind: ListenerKind,
    tls: Option<Arc<Certificates>>,
    connections: Arc<Connections>,
    /// Aborted when this is dropped.
    handshakes: JoinSet<Option<(Stream, Admitted)>>,
    lines: LogLimiter,
}

impl Incoming {
    pub(super) fn new(
        listener: TcpListener,
        kind: ListenerKind,
        tls: Option<Arc<Certificates>>,
        connections: Arc<Connections>,
    ) -> Self {
        let (handshakes, lines) = (JoinSet::new(), LogLimiter::every(LINE_EVERY));
        Self { listener, kind, tls, connections, handshakes, lines }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) fn limits(&self) -> &ConnectionLimits {
        self.connections.limits()
    }

    /// The next connection. No connection is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> (Stream, Admitted) {
        loop {
            tokio::select! {
                Some(ended) = self.handshakes.join_next() => if let Ok(Some(made)) = ended {
                    return made;
                },
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, address)) => {
                        if let Some(made) = self.begin(socket, address) {
                            return made;
                        }
                    }
                    // The pause belongs to the future, so a dropped one pauses again.
                    Err(problem) => self.pause(problem).await,
                },
            }
        }
    }

    /// The connection if it is let in and needs no handshake.
    fn begin(&mut self, socket: TcpStream, address: SocketAddr) -> Option<(Stream, Admitted)> {
        let admitted = match self.connections.admit(self.kind, address) {
            Ok(admitted) => admitted,
            Err(refused) => {
                self.refuse(&socket, refused);
                return None;
            }
        };
        // Messages are written as a whole, so there is nothing to wait for.
        let _ = socket.set_nodelay(true);
        if let Err(problem) = keep_alive(&socket) {
            tracing::debug!(%problem, "A connection has no TCP keepalive");
        }
        let Some(tls) = &self.tls else { return Some((Stream::Plain(socket), admitted)) };
        let (tls, speaks) = (Arc::clone(tls), self.kind.speaks());
        let within = self.limits().handshake_timeout;
        self.handshakes.spawn(async move {
            let accepted = accept(&tls, socket, address, speaks, within).await;
            accepted.map(|stream| (stream, admitted))
        });
        None
    }

    /// Says why, as far as that costs nothing: in the client's protocol, if no handshake is
    /// needed for that, and without waiting for the client.
    fn refuse(&self, socket: &TcpStream, refused: Refused) {
        if self.tls.is_none() {
            let _ = socket.try_write(&refusal(self.kind.speaks(), refused.sentence()));
        }
    }

    async fn pause(&self, problem: io::Error) {
        if let Some(suppressed) = self.lines.admit() {
            tracing::warn!(%problem, suppressed, "A client can't be accepted; raise the limit of open files if there are too many");
        }
        tokio::time::sleep(PAUSE).await;
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
