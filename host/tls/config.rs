//! The settings of TLS of a node.

use std::path::PathBuf;

use super::names::NamePattern;

/// TLS of a node. The files are PEM, and are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The certificate of the node, with the certificates of intermediate CAs after it.
    pub cert: PathBuf,
    /// The private key of the certificate, without a passphrase.
    pub key: PathBuf,
    /// The CAs that sign the certificates of clients and of other nodes. With it, gRPC and
    /// Redis clients must show a certificate. A cluster needs it.
    pub client_ca: Option<PathBuf>,
    /// The lowest version that is spoken.
    pub min_version: TlsVersion,
    /// Names that a certificate of a node may have instead of the host of its address.
    pub peer_names: Vec<NamePattern>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl Tls {
    /// A node with this certificate and key that asks for no certificates of clients.
    #[must_use]
    pub fn new(cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            cert: cert.into(),
            key: key.into(),
            client_ca: None,
            min_version: TlsVersion::default(),
            peer_names: Vec::new(),
        }
    }
}
