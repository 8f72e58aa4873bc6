//! Until when certificates are valid.

use std::path::Path;
use std::time::SystemTime;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use super::error::TlsError;

/// Checks that all of `chain`, the content of `path`, are valid now. Returns when the first of
/// them expires, in seconds since 1970.
pub(super) fn of(path: &Path, chain: &[CertificateDer<'_>]) -> Result<u64, TlsError> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = ASN1Time::from_timestamp(since_1970.as_secs() as i64)
        .map_err(|error| TlsError::unusable(path, error))?;
    let mut first = i64::MAX;
    for der in chain {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| TlsError::unusable(path, error))?;
        let validity = certificate.validity();
        if !validity.is_valid_at(now) {
            let (from, to) = (validity.not_before.to_string(), validity.not_after.to_string());
            let subject = certificate.subject().to_string();
            return Err(TlsError::NotNow { path: path.into(), subject, from, to });
        }
        first = first.min(validity.not_after.timestamp());
    }
    Ok(first.unsigned_abs())
}
