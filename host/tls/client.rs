//! TLS of a client of nodes, and what a node has in common with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, Error, SupportedProtocolVersion};
use zeroize::Zeroizing;

use super::error::TlsError;
use super::pem;

/// The versions of TLS that are spoken, the lowest first.
pub(super) static VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// TLS of a client of nodes. The files are PEM, and are read for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTls {
    /// The CAs that sign the certificates of the nodes.
    pub ca: PathBuf,
    /// The certificate that is shown to a node that asks for one, and its private key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl ClientTls {
    /// A client that trusts these CAs and shows no certificate.
    #[must_use]
    pub fn new(ca: impl Into<PathBuf>) -> Self {
        Self { ca: ca.into(), identity: None }
    }

    /// The same client, which shows this certificate.
    #[must_use]
    pub fn with_identity(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((cert.into(), key.into()));
        self
    }
}

/// What a client of nodes connects with.
pub(super) fn of_client(tls: &ClientTls) -> Result<ClientConfig, TlsError> {
    let roots = pem::roots(&tls.ca, &pem::read(&tls.ca)?)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .map_err(|error| TlsError::unusable(&tls.ca, error))?
        .with_root_certificates(roots);
    let mut config = match &tls.identity {
        None => config.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = pem::certificates(cert, &pem::read(cert)?)?;
            // Without it a certificate that has expired is refused by the node.
            #[cfg(feature = "node")]
            super::expiry::of(cert, &chain)?;
            let secret = pem::private_key(key, &Zeroizing::new(pem::read(key)?))?;
            config.with_client_auth_cert(chain, secret).map_err(|error| told(error, cert, key))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// The cryptography of all connections.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Why a certificate and a key can't be used.
pub(super) fn told(error: Error, cert: &Path, key: &Path) -> TlsError {
    match error {
        Error::InconsistentKeys(_) => TlsError::Mismatch { cert: cert.into(), key: key.into() },
        error => TlsError::unusable(key, error),
    }
}
