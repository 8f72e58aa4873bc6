//! Authorities, and what they sign, in PEM.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An authority of its own.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Valid {
    Now,
    /// Until in three days.
    Shortly,
    /// Until yesterday.
    Before,
    /// From tomorrow.
    Later,
}

impl Valid {
    fn set(self, params: &mut CertificateParams) {
        let now = SystemTime::now();
        let (from, to) = match self {
            Self::Now => (now - DAY, now + 90 * DAY),
            Self::Shortly => (now - DAY, now + 3 * DAY),
            Self::Before => (now - 2 * DAY, now - DAY),
            Self::Later => (now + DAY, now + 2 * DAY),
        };
        (params.not_before, params.not_after) = (from.into(), to.into());
    }
}

/// The paths of a certificate and its key.
pub(crate) struct Signed {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Signed {
    /// The side of a server that shows it.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let chain = CertificateDer::pem_file_iter(&self.cert).unwrap().map(Result::unwrap);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect(), PrivateKeyDer::from_pem_file(&self.key).unwrap());
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// An authority that this one has signed.
    pub(crate) fn between(&self, name: &str, valid: Valid) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        valid.set(&mut params);
        let pem = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes its own certificate into `folder`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, &self.pem).expect("it can be written");
        path
    }

    /// Signs a certificate for `hosts`, and writes it with its key into `folder`.
    pub(crate) fn sign(&self, folder: &Path, name: &str, hosts: &[&str], valid: Valid) -> Signed {
        let mut params = named(name, hosts);
        valid.set(&mut params);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.issuer).expect("a certificate");
        let file = |end: &str| folder.join(format!("{name}.{end}"));
        let signed = Signed { cert: file("pem"), key: file("key") };
        fs::write(&signed.cert, leaf.pem()).expect("it can be written");
        fs::write(&signed.key, key.serialize_pem()).expect("it can be written");
        signed
    }
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("hosts are names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
