//! An authority and what it signed, in PEM files.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// Files with one authority, a certificate of 127.0.0.1 and its key.
pub(super) struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub(super) fn generate() -> Self {
        let named = |name: &str, host: &[&str]| {
            let hosts: Vec<String> = host.iter().map(|host| (*host).to_owned()).collect();
            let mut params = CertificateParams::new(hosts).expect("hosts are names");
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let key = KeyPair::generate().expect("a key");
        let mut params = named("an authority of the tests", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let params = named("psycache", &["127.0.0.1"]);
        let leaf = params.signed_by(&key, &issuer).expect("a certificate");

        let files = Self { folder: TempDir::new().expect("a temporary folder") };
        write(files.ca(), "CERTIFICATE", authority.der());
        write(files.cert(), "CERTIFICATE", leaf.der());
        write(files.key(), "PRIVATE KEY", &key.serialize_der());
        files
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    pub(super) fn cert(&self) -> PathBuf {
        self.folder().join("cert.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder().join("key.pem")
    }
}

fn write(path: PathBuf, label: &str, der: &[u8]) {
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        pem += &STANDARD.encode(line);
        pem.push('\n');
    }
    pem += &format!("-----END {label}-----\n");
    std::fs::write(path, pem).expect("it can be written");
}
