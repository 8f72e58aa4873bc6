//! Connects to nodes over TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncBufReadExt;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::client::{self, ClientTls};
#[cfg(feature = "node")]
use super::keeper::Certificates;
use crate::host_port::HostPort;

/// How long a connection waits for the first bytes of the node.
const FIRST_BYTES_WITHIN: Duration = Duration::from_millis(500);

/// Whose certificates a connection to a node uses: those of the moment it is made.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// Those of a client, read for each connection.
    Client(Arc<ClientTls>),
    /// Those of this node.
    #[cfg(feature = "node")]
    Node(Arc<Certificates>),
}

/// Makes a connection to one node.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: TlsConnector,
    host: ServerName<'static>,
    address: String,
}

impl Outgoing {
    /// What connects to the node at `address`.
    ///
    /// # Errors
    /// The files can't be used, or no certificate can have that host.
    pub(crate) async fn connector(&self, address: &str) -> Result<Connector, String> {
        let config = match self {
            #[cfg(feature = "node")]
            Self::Node(certificates) => certificates.client(),
            Self::Client(tls) => {
                let tls = Arc::clone(tls);
                let read = spawn_blocking(move || client::of_client(&tls)).await;
                let read = read.map_err(|_| "this process is stopping".to_owned())?;
                Arc::new(read.map_err(|error| error.to_string())?)
            }
        };
        let host = HostPort::parse(address).map_or(address, |address| address.host);
        let host = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host:?} is no host that a certificate can have"))?;
        Ok(Connector { tls: config.into(), host, address: address.into() })
    }
}

impl Connector {
    pub(crate) async fn connect(self) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(&self.address).await?;
        socket.set_nodelay(true)?;
        let mut stream = self.tls.connect(self.host, socket).await?;
        // In TLS 1.3 a node refuses a certificate after the client's end of the handshake. Its
        // first bytes of HTTP/2 say that it did not. A proxy may let the client speak first.
        match timeout(FIRST_BYTES_WITHIN, stream.fill_buf()).await {
            Ok(Err(refused)) => Err(refused),
            Ok(Ok(_)) | Err(_) => Ok(stream),
        }
    }
}
