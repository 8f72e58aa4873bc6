//! A CA and the certificate that the nodes of a benchmark share.

use std::fs;
use std::path::Path;

use anyhow::Result;
use psycache::config::Tls;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// Makes them, in a folder that lives as long as this.
pub(super) fn make() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, pem: String| fs::write(folder.path().join(name), pem);
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    write("ca.pem", authority.self_signed(&authority_key)?.pem())?;
    let mut node = CertificateParams::new(["127.0.0.1".to_owned()])?;
    node.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    write("node.pem", node.signed_by(&key, &issuer)?.pem())?;
    write("node.key", key.serialize_pem())?;
    Ok(folder)
}

/// The settings of a node that has them from `folder`.
pub(super) fn of_nodes(folder: &Path) -> Tls {
    let mut tls = Tls::new(folder.join("node.pem"), folder.join("node.key"));
    tls.client_ca = Some(folder.join("ca.pem"));
    tls
}
