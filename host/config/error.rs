//! Errors of a configuration. Each is one line that names a remedy.

use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file can't be read as text.
    #[error("the config file {} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of reading it.
        reason: String,
    },
    /// The file is not TOML, or has an unknown key or an invalid value.
    #[error("{}:{line}: {problem}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, and what would be accepted.
        problem: String,
    },
    /// Settings are each valid but contradict each other.
    #[error("{0}")]
    Conflict(String),
}
