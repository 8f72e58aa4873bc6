//! Says in one sentence why a connection failed.

use std::error::Error;
use std::io;
use std::iter::successors;

use tokio_rustls::rustls::{self, AlertDescription, CertificateError};

/// What a node that speaks TLS answers to a client that does not.
pub(super) const SENTENCE: &str = "this port speaks TLS only; psycache commands need --tls-ca FILE, other clients their own setting";

/// Why a connection or a call on it failed: what TLS says, or the innermost cause. The causes
/// around it only say "transport error".
pub(crate) fn reason(error: &(dyn Error + 'static)) -> String {
    explain(error).unwrap_or_else(|| causes(error).last().unwrap_or(error).to_string())
}

/// What TLS says of a failure; `None` if it is about something else.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = causes(error).find_map(of_rustls) {
        return Some(sentence(error));
    }
    // An error of HTTP/2 has the error of the connection as text only.
    let text = causes(error).last()?.to_string();
    if text.contains(SENTENCE) {
        return Some(SENTENCE.to_owned());
    }
    text.contains("CertificateRequired").then(|| alert(AlertDescription::CertificateRequired))
}

/// The error and its causes, the innermost last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn of_rustls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    // The source of an `io::Error` is that of the error inside it.
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref().or_else(|| inside?.downcast_ref())
}

fn sentence(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => {
            "the other end does not speak TLS at this port; leave the settings of TLS out, or give the port that does".into()
        }
        rustls::Error::InvalidCertificate(problem) => certificate(problem),
        rustls::Error::NoCertificatesPresented => {
            "it shows no certificate; this node asks for one (--tls-client-ca)".into()
        }
        rustls::Error::AlertReceived(received) => alert(*received),
        error => error.to_string(),
    }
}

fn certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer => "no CA that is trusted here signed its certificate".into(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; compare the clocks".into()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is for {}, not for {}",
            presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", "),
            expected.to_str()
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is for another purpose; the extended key usage must have serverAuth for a node, and clientAuth for a node and a client".into()
        }
        problem => format!("its certificate is not valid: {problem}"),
    }
}

/// A name as it is written: rustls shows `DnsName("a.example")` and `IpAddress(10.0.0.1)`.
fn bare(shown: &str) -> &str {
    let inside = shown.split_once('(').and_then(|(_, name)| name.strip_suffix(')'));
    inside.map_or(shown, |name| name.trim_matches('"'))
}

fn alert(received: AlertDescription) -> String {
    match received {
        AlertDescription::CertificateRequired => {
            "the other end asks for a certificate; psycache commands need --tls-cert FILE and --tls-key FILE".into()
        }
        AlertDescription::UnknownCA => {
            "the other end does not trust the CA of the certificate that it was shown".into()
        }
        AlertDescription::CertificateExpired => {
            "the other end says that the certificate it was shown has expired".into()
        }
        AlertDescription::ProtocolVersion => {
            "the two ends have no version of TLS in common".into()
        }
        received => format!("the other end ended the connection: {received:?}"),
    }
}
