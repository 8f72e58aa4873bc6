//! Certificates and keys, read from PEM files, and the file of the tokens.

use std::path::PathBuf;

use super::folder;
use super::kind::{Parsed, kind};
use crate::config::Secret;

kind!(Certificate(String), "the path of a PEM file with certificates", |path: &str| {
    read(path, "CERTIFICATE", "a certificate")
});

kind!(PrivateKey(Secret), "the path of a PEM file with a private key", |path: &str| {
    read(path, "PRIVATE KEY", "a private key").map(Secret::new)
});

// It is read when the node starts, and again when it changes.
kind!(TlsFile(PathBuf), "the path of a PEM file", |path: &str| {
    (!path.is_empty()).then(|| folder::path(path))
});

// As the files of TLS.
kind!(TokensFile(PathBuf), "the path of a file of tokens", |path: &str| {
    (!path.is_empty()).then(|| folder::path(path))
});

fn read(path: &str, label: &str, what: &str) -> Parsed<String> {
    let text = std::fs::read_to_string(folder::path(path))
        .map_err(|error| format!("the file can't be read as text: {error}"))?;
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(label);
    match text.lines().any(begins) {
        true => Ok(text),
        false => Err(format!("the file has no {label} in PEM; write the path of one with {what}")),
    }
}
