//! Why certificates and keys can't be used. Each error names the file and a remedy.

use std::path::{Path, PathBuf};

/// Why certificates or keys can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("{} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of reading it.
        reason: String,
    },
    /// A file has none of what it is for.
    #[error("{} has no {label} in PEM; give the file of {what}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The label of PEM that it lacks.
        label: &'static str,
        /// What it should have.
        what: &'static str,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {} does not belong to the certificate in {}; give two that belong together",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The time of a certificate has passed, or has not come.
    #[error(
        "{} has a certificate of {subject} that is valid from {from} to {to} only; give one that \
         is valid now, or set this machine's clock",
        path.display()
    )]
    NotNow {
        /// The file.
        path: PathBuf,
        /// Whose certificate it is: the node's, or that of a CA between.
        subject: String,
        /// When it begins to be valid.
        from: String,
        /// When its validity ends.
        to: String,
    },
    /// A file can't be used for another reason.
    #[error("{} can't be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TlsError {
    pub(super) fn unusable(path: &Path, reason: impl ToString) -> Self {
        Self::Unusable { path: path.into(), reason: reason.to_string() }
    }
}
