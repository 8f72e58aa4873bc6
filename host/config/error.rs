//! What is wrong with a configuration, in one line that names the mend.

use std::path::PathBuf;

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file can't be read as text.
    #[error("the config file {} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
    /// The file is no TOML, has a key that does not exist, or a value that can't be used.
    #[error("{}:{line}: {problem}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, and what would have been accepted.
        problem: String,
    },
    /// Settings that are each right, but not together.
    #[error("{0}")]
    Conflict(String),
}
