//! What reads a format.

use anyhow::Result;

use super::record::Record;

/// Reads the requests of one format.
pub(super) trait Reader: Send {
    /// The next one. An error belongs to the [place](Self::place).
    fn next(&mut self) -> Result<Option<Record<'_>>>;

    /// Where the last one stood.
    fn place(&self) -> String;
}
