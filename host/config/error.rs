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
    /// The file is no TOML, or a key has a value of another kind.
    #[error("{}:{line}: {problem} in `{text}`", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// The line as it stands.
        text: String,
    },
    /// A key that does not exist.
    #[error("{}:{line}: there is no key `{key}` here; {mend}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// As it stands in the file.
        key: String,
        /// The nearest key that exists, or all of them.
        mend: String,
    },
    /// A value that can't be used.
    #[error("{}:{line}: {key} = {value:?}: {allowed}", path.display())]
    BadValue {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The key.
        key: String,
        /// As it stands in the file.
        value: String,
        /// What would have been accepted.
        allowed: String,
    },
    /// Settings that are each right, but not together.
    #[error("{0}")]
    Conflict(String),
}
