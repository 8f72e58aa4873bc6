//! What the certificate files say, in the form that connections use.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use zeroize::Zeroizing;

use super::client::{VERSIONS, provider, told};
use super::config::{Tls, TlsVersion};
use super::error::TlsError;
use super::verify::NodeVerifier;
use super::{expiry, pem};

/// What a listener speaks inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Grpc,
    Http,
    Redis,
}

/// The contents of the files of a [`Tls`].
#[derive(PartialEq)]
pub(crate) struct Contents {
    cert: Vec<u8>,
    /// Overwritten when it is dropped.
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

/// A certificate with its key and the CAs that are trusted.
pub(super) struct Identity {
    /// What it was made of.
    pub(super) contents: Arc<Contents>,
    /// For gRPC, HTTP and Redis.
    servers: [Arc<ServerConfig>; 3],
    /// For connections to other nodes.
    client: Arc<ClientConfig>,
    /// When the certificate expires, in seconds since 1970.
    pub(super) expires_at: u64,
}

impl Contents {
    pub(super) fn read(tls: &Tls) -> Result<Self, TlsError> {
        Ok(Self {
            cert: pem::read(&tls.cert)?,
            key: pem::read(&tls.key)?.into(),
            client_ca: tls.client_ca.as_deref().map(pem::read).transpose()?,
        })
    }
}

impl Identity {
    /// Checks the contents of the files of `tls`.
    pub(super) fn new(tls: &Tls, contents: Arc<Contents>) -> Result<Self, TlsError> {
        let chain = pem::certificates(&tls.cert, &contents.cert)?;
        let key = pem::private_key(&tls.key, &contents.key)?;
        let expires_at = expiry::of(&tls.cert, &chain)?;
        let roots = match (&tls.client_ca, &contents.client_ca) {
            (Some(path), Some(content)) => Some(Arc::new(pem::roots(path, content)?)),
            _ => None,
        };
        let server = |speaks| server(tls, speaks, chain.clone(), key.clone_key(), roots.as_ref());
        let servers = [server(Speaks::Grpc)?, server(Speaks::Http)?, server(Speaks::Redis)?];
        let trusted = roots.clone().unwrap_or_else(|| Arc::new(RootCertStore::empty()));
        let provider = provider();
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(tls.min_version))
            .map_err(|error| TlsError::unusable(&tls.cert, error))?;
        let client = if trusted.is_empty() {
            client.with_root_certificates(trusted)
        } else {
            let verifier = NodeVerifier::new(trusted, provider, tls.peer_names.clone());
            let verifier = verifier.map_err(|error| TlsError::unusable(&tls.cert, error))?;
            client.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        };
        let client = client.with_client_auth_cert(chain, key);
        let mut client = client.map_err(|error| told(error, &tls.cert, &tls.key))?;
        client.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { contents, servers, client: Arc::new(client), expires_at })
    }

    pub(super) fn server(&self, speaks: Speaks) -> Arc<ServerConfig> {
        Arc::clone(&self.servers[speaks as usize])
    }

    pub(super) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

fn server(
    tls: &Tls,
    speaks: Speaks,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Option<&Arc<RootCertStore>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(tls.min_version))
        .map_err(|error| TlsError::unusable(&tls.cert, error))?;
    // The page of metrics and health asks for no certificate: probes have none.
    let config = match roots.filter(|_| speaks != Speaks::Http) {
        None => config.with_no_client_auth(),
        Some(roots) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider()).build();
            let ca = tls.client_ca.as_deref().unwrap_or(&tls.cert);
            let verifier = verifier.map_err(|error| TlsError::unusable(ca, error))?;
            config.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        config.with_single_cert(chain, key).map_err(|error| told(error, &tls.cert, &tls.key))?;
    // A session that is resumed is not verified again, so an expired certificate would go on.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = match speaks {
        Speaks::Grpc => vec![b"h2".to_vec()],
        Speaks::Http => vec![b"http/1.1".to_vec()],
        Speaks::Redis => Vec::new(),
    };
    Ok(Arc::new(config))
}

fn versions(lowest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match lowest {
        TlsVersion::V1_2 => &VERSIONS,
        TlsVersion::V1_3 => &VERSIONS[1..],
    }
}
