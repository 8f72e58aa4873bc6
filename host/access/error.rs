//! Why the file of the callers can't be used.

use std::path::PathBuf;

/// Why the file of the callers can't be used. No message has a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// It can't be read.
    #[error("the tokens file {} can't be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of reading it.
        reason: String,
    },
    /// Something in it is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, and what would be accepted.
        problem: String,
    },
    /// It names nobody, so nobody could call.
    #[error(
        "the tokens file {} names no caller, so nobody could call; `psycache token new` makes one",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}
