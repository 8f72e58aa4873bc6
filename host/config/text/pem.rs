//! Certificates and keys, read from PEM files.

use super::Parsed;
use crate::config::Secret;

/// The content of a file with certificates.
///
/// # Errors
/// It can't be read, or has no certificate in it.
pub fn certificate(path: &str) -> Parsed<String> {
    read(path, "CERTIFICATE", "a certificate")
}

/// The content of a file with a private key.
///
/// # Errors
/// It can't be read, or has no private key in it.
pub fn private_key(path: &str) -> Parsed<Secret> {
    read(path, "PRIVATE KEY", "a private key").map(Secret::new)
}

fn read(path: &str, label: &str, what: &str) -> Parsed<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the file can't be read as text: {error}"))?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(label);
    match text.lines().any(begins) {
        true => Ok(text),
        false => Err(format!("the file has no {label} in PEM; write the path of one with {what}")),
    }
}
