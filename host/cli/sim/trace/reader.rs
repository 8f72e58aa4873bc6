//! What reads a format.

use std::num::NonZeroU32;

use anyhow::Result;

use super::record::Record;

/// Reads the requests of one format.
pub(super) trait Reader: Send {
    /// The next one. An error belongs to the [place](Self::place).
    fn next(&mut self) -> Result<Option<Record<'_>>>;

    /// Where the last one stood.
    fn place(&self) -> String;

    /// What a recording tells of the keys that are not in it, so far.
    fn recorded(&self) -> Option<Recorded> {
        None
    }
}

/// What a recording tells beside its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) struct Recorded {
    /// It has one key in so many.
    pub(in crate::cli::sim) one_in: NonZeroU32,
    /// Gets of all keys.
    pub(in crate::cli::sim) gets: u64,
    /// Accesses of its keys that are not in it.
    pub(in crate::cli::sim) lost: u64,
    /// Its end was read.
    pub(in crate::cli::sim) is_whole: bool,
}
