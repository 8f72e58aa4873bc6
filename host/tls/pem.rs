//! Reads certificates and keys from PEM files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::{Error, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::TlsError;

/// The most bytes of a file that are read. A bundle of all public CAs has 250 KB.
const LARGEST_FILE: u64 = 4 << 20;

/// The content of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        // Room for all of it: a buffer that grows leaves copies behind, which may be a key's.
        bytes.reserve_exact(file.metadata()?.len().min(LARGEST_FILE) as usize + 1);
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)
    });
    let unreadable = |reason| TlsError::Unreadable { path: path.into(), reason };
    read.map_err(|error| unreadable(error.to_string()))?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(unreadable(format!("it is longer than {LARGEST_FILE} bytes"))),
        false => Ok(bytes),
    }
}

/// The certificates in `pem`, the content of `path`; at least one.
pub(super) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| TlsError::unusable(path, error))?;
    if found.is_empty() {
        let (label, what) = ("CERTIFICATE", "a certificate");
        return Err(TlsError::Empty { path: path.into(), label, what });
    }
    Ok(found)
}

/// The private key in `pem`, the content of `path`.
pub(super) fn private_key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound if has(pem, b"ENCRYPTED PRIVATE KEY") => {
            TlsError::unusable(path, "the key has a passphrase; give it without one")
        }
        Error::NoItemsFound => {
            let (label, what) = ("PRIVATE KEY", "a private key");
            TlsError::Empty { path: path.into(), label, what }
        }
        error => TlsError::unusable(path, error),
    })
}

/// The CAs in `pem`, the content of `path`; at least one.
pub(super) fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        roots.add(certificate).map_err(|error| TlsError::unusable(path, error))?;
    }
    Ok(roots)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
