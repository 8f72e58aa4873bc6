//! Makes an accepted socket a TLS connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::identity::Speaks;
use super::keeper::Certificates;
use super::stream::Stream;
use super::{names, plain_speaker, problem};

/// The first byte of a TLS connection: a record of the handshake.
const HANDSHAKE: u8 = 0x16;

/// Makes a TLS connection of `socket`. Returns `None` if the other end does not `within` that
/// time, which is counted and logged.
pub(crate) async fn accept(
    certificates: &Certificates,
    socket: TcpStream,
    address: SocketAddr,
    speaks: Speaks,
    within: Duration,
) -> Option<Stream> {
    let problem = match timeout(within, handshake(certificates, socket, speaks)).await {
        Ok(Ok(stream)) => return stream,
        Ok(Err(error)) => problem::reason(&error),
        Err(_) => format!("no handshake within {within:?}"),
    };
    certificates.failed_handshakes.fetch_add(1, Relaxed);
    if let Some(suppressed) = certificates.failed_handshake_lines.admit() {
        tracing::warn!(client = %address, %problem, suppressed, "A client did not get a TLS connection");
    }
    None
}

/// `None` for a client that closed the connection without a word, as a load balancer that
/// probes the port does.
async fn handshake(
    certificates: &Certificates,
    socket: TcpStream,
    speaks: Speaks,
) -> io::Result<Option<Stream>> {
    let mut first = [0];
    match socket.peek(&mut first).await? {
        0 => return Ok(None),
        _ if first != [HANDSHAKE] => {
            plain_speaker::answer(socket, speaks, first[0]).await?;
            return Err(io::Error::other("it speaks without TLS"));
        }
        _ => {}
    }
    let acceptor = TlsAcceptor::from(certificates.server(speaks));
    let stream = match acceptor.accept(socket).into_fallible().await {
        Ok(stream) => Box::new(stream),
        Err((refused, socket)) => {
            plain_speaker::close(socket).await;
            return Err(refused);
        }
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let names = Arc::new(shown.map(names::of_certificate).unwrap_or_default());
    Ok(Some(Stream::Secure { stream, names }))
}
