//! The names in a certificate, and patterns of them.

use std::net::IpAddr;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A name of a host, an address, or a pattern of names: `*.cache.internal` stands for one
/// more label, `*` for any name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Reads a pattern; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("*.").unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        let is_pattern =
            text == "*" || text.parse::<IpAddr>().is_ok() || rest.split('.').all(is_label);
        is_pattern.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether this pattern stands for `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0 == "*" || covers(&self.0, name)
    }
}

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The DNS names and addresses in the subject alternative name.
    pub hosts: Vec<String>,
    /// The common name of the subject, which may be any text.
    pub common_name: Option<String>,
}

/// The names in a certificate. One that can't be read has none.
pub(super) fn of_certificate(certificate: &CertificateDer<'_>) -> Names {
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Names::default();
    };
    let name = |name: &GeneralName<'_>| match name {
        // A CA may sign a DNS name that looks like an address without asking whose it is.
        GeneralName::DNSName(name) if name.parse::<IpAddr>().is_ok() => None,
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    let hosts = match certificate.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().filter_map(name).collect(),
        _ => Vec::new(),
    };
    let common_name = certificate.subject().iter_common_name().next();
    let common_name = common_name.and_then(|name| name.as_str().ok()).map(str::to_owned);
    Names { hosts, common_name }
}

/// Whether a certificate with the name `pattern` is one of the host `name`. A `*` stands for
/// exactly one label.
pub(super) fn covers(pattern: &str, name: &str) -> bool {
    if let (Ok(pattern), Ok(name)) = (pattern.parse::<IpAddr>(), name.parse::<IpAddr>()) {
        return pattern == name;
    }
    match pattern.strip_prefix("*.") {
        Some(domain) if !name.starts_with("*.") => {
            name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain))
        }
        _ => pattern.eq_ignore_ascii_case(name),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_covers_itself_and_a_star_one_label() {
        for (pattern, name, is_covered) in [
            ("node-1", "NODE-1", true),
            ("node-1", "node-2", false),
            ("*.cache.internal", "node-1.cache.internal", true),
            ("*.cache.internal", "*.cache.internal", true),
            ("*.cache.internal", "cache.internal", false),
            ("*.cache.internal", "a.b.cache.internal", false),
            ("*.cache.internal", "node-1.cache.external", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.11", false),
            ("::1", "0:0:0:0:0:0:0:1", true),
        ] {
            assert_eq!(covers(pattern, name), is_covered, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_a_name_an_address_or_begins_with_a_star() {
        for text in ["*", "node-1", "*.cache.internal", "10.0.0.1", "::1"] {
            assert!(NamePattern::parse(text).is_some(), "{text}");
        }
        for text in ["", "*.", "a.*.b", "a b", "node:7400", "**", "*a"] {
            assert!(NamePattern::parse(text).is_none(), "{text}");
        }
        assert!(NamePattern::parse("*").is_some_and(|any| any.matches("a.b.c")));
    }
}
