//! How full a store is, and how full it may be.

use super::record::ENTRY_OVERHEAD;

/// The mean value and key of a store that has no entries yet.
const GUESSED_BYTES: u64 = 128;

/// The size of a store, and how many entries left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Number of entries held, reservations included.
    pub entries: u64,
    /// Bytes held, reservations included.
    pub bytes: u64,
    /// Most bytes that may be held.
    pub capacity_bytes: u64,
    /// Most entries that may be held.
    pub max_entries: u32,
    /// Number of entries that left since the store was made.
    pub evictions: Evictions,
}

/// Number of entries that left, by reason. Overwritten entries are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evictions {
    /// Chosen by the policy.
    pub policy: u64,
    /// Chosen by recency.
    pub fallback: u64,
    /// Expired.
    pub expired: u64,
    /// Removed or cleared.
    pub removed: u64,
}

impl Stats {
    /// Entries of the store when it is full, of the size of those that it has.
    #[must_use]
    pub fn expected_entries(&self) -> f64 {
        let mean = match self.entries {
            0 => ENTRY_OVERHEAD + GUESSED_BYTES,
            entries => self.bytes / entries,
        };
        let fit = self.capacity_bytes as f64 / mean.max(1) as f64;
        fit.min(f64::from(self.max_entries)).max(1.0)
    }
}
