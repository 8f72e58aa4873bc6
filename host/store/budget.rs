//! The budget of a store in bytes and entries. All shards share it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::record;
use crate::error::Error;

/// Limits of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreConfig {
    /// Bytes of keys, values and the fixed overhead of each entry.
    pub capacity_bytes: u64,
    /// Most entries; `None` for as many as the capacity can hold.
    pub max_entries: Option<u32>,
}

impl StoreConfig {
    /// These limits; a `max_entries` of `None` for as many as the capacity can hold.
    #[must_use]
    pub fn new(capacity_bytes: u64, max_entries: Option<u32>) -> Self {
        Self { capacity_bytes, max_entries }
    }

    /// Upper limit of the entries of any store, so that a slot and a flag fit in 32 bits.
    const MOST_ENTRIES: u64 = 1 << 30;

    /// Checks that a store with these limits can hold an entry.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the setting as it is written in the file.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |argument, problem| Err(Error::InvalidArgument { argument, problem });
        let overhead = record::ENTRY_OVERHEAD;
        if self.capacity_bytes <= overhead {
            return refuse(
                "capacity",
                format!(
                    "{} B hold no entry, of which each takes {overhead} B beside its key and \
                     value; give 1MiB or more",
                    self.capacity_bytes
                ),
            );
        }
        if self.max_entries == Some(0) {
            return refuse(
                "max-entries",
                "0 entries cache nothing; leave it out for no limit".into(),
            );
        }
        Ok(())
    }

    /// Most entries that the store can have; at least 1.
    pub(super) fn entry_limit(&self) -> u32 {
        let fit = self.capacity_bytes / record::weight(1, 0);
        let limit = fit.min(self.max_entries.map_or(u64::MAX, u64::from));
        limit.clamp(1, Self::MOST_ENTRIES) as u32
    }
}

/// A store that holds fewer entries of mean size than this keeps no room free, because
/// that room would be too large a part of the store.
const FEW_ENTRIES: u64 = 64;

/// Room was refused; something must be evicted first.
#[derive(Debug)]
pub(super) struct Full;

/// The bytes and entries held, reservations included. All operations are sequentially
/// consistent: a thread must not read `pressed` before its own addition is visible.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Budget {
    /// The limits are lowered while more is held, see [`resize`](Self::resize).
    capacity_bytes: AtomicU64,
    max_entries: AtomicU64,
    bytes: AtomicU64,
    entries: AtomicU64,
    /// Size of the largest reservation that was refused since one was last granted.
    wanted_bytes: AtomicU64,
    /// Whether the worker was woken to make room and has not evicted yet.
    pressed: AtomicBool,
}

impl Budget {
    pub(super) fn new(config: &StoreConfig) -> Self {
        Self {
            capacity_bytes: config.capacity_bytes.into(),
            max_entries: u64::from(config.entry_limit()).into(),
            bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            wanted_bytes: AtomicU64::new(0),
            pressed: AtomicBool::new(false),
        }
    }

    pub(super) fn capacity_bytes(&self) -> u64 {
        self.capacity_bytes.load(SeqCst)
    }

    pub(super) fn max_entries(&self) -> u32 {
        self.max_entries.load(SeqCst) as u32
    }

    /// Sets the limits. Where more is held than they allow, nothing is taken before
    /// [`need`](Self::need) was evicted.
    pub(super) fn resize(&self, capacity_bytes: u64, max_entries: u32) {
        self.capacity_bytes.store(capacity_bytes, SeqCst);
        self.max_entries.store(max_entries.into(), SeqCst);
        // What was refused before may never fit now, and would be made room for without end.
        self.wanted_bytes.store(0, SeqCst);
    }

    /// Whether no more is held than the limits allow.
    pub(super) fn is_kept(&self) -> bool {
        self.bytes() <= self.capacity_bytes() && self.entries() <= self.max_entries.load(SeqCst)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(SeqCst)
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries.load(SeqCst)
    }

    /// Takes room for one entry. Returns whether the caller must wake the worker to make
    /// room for later entries.
    pub(super) fn take(&self, weight: u64) -> Result<bool, Full> {
        let below = |limit, more| move |held| Some(held + more).filter(|sum| *sum <= limit);
        if self.bytes.fetch_update(SeqCst, SeqCst, below(self.capacity_bytes(), weight)).is_err() {
            self.wanted_bytes.fetch_max(weight, SeqCst);
            return Err(Full);
        }
        if self
            .entries
            .fetch_update(SeqCst, SeqCst, below(self.max_entries.load(SeqCst), 1))
            .is_err()
        {
            self.bytes.fetch_sub(weight, SeqCst);
            self.wanted_bytes.fetch_max(weight, SeqCst);
            return Err(Full);
        }
        if self.wanted_bytes.load(SeqCst) > 0 {
            self.wanted_bytes.store(0, SeqCst);
        }
        // The worker is woken when half of the room that it keeps free is taken, and not
        // for each entry.
        let call = self.excess(2) > 0 && !self.pressed.load(SeqCst);
        Ok(call && !self.pressed.swap(true, SeqCst))
    }

    pub(super) fn give_back(&self, weight: u64, entries: u64) {
        self.bytes.fetch_sub(weight, SeqCst);
        self.entries.fetch_sub(entries, SeqCst);
    }

    /// Bytes that the worker should evict.
    pub(super) fn need(&self) -> u64 {
        self.excess(1)
    }

    /// Records that the worker has evicted what it could. If that was not enough, the next
    /// [`take`](Self::take) wakes it again.
    pub(super) fn relieved(&self) {
        self.pressed.store(false, SeqCst);
    }

    /// Bytes held in excess of a limit. The limit is the capacity minus a fraction of the
    /// room to keep free: all of it for a `share` of 1, half of it for 2.
    fn excess(&self, share: u64) -> u64 {
        let (bytes, entries) = (self.bytes(), self.entries());
        let (capacity_bytes, max_entries) = (self.capacity_bytes(), self.max_entries.load(SeqCst));
        let wanted_bytes = self.wanted_bytes.load(SeqCst);
        let over_bytes = (bytes + wanted_bytes).saturating_sub(capacity_bytes);

        let spare_entries = (spare_entries(max_entries) / share).max(u64::from(wanted_bytes > 0));
        let over_entries = (entries + spare_entries).saturating_sub(max_entries);

        // Most calls end here, without a division.
        let nearly_full = capacity_bytes - capacity_bytes / 16;
        if over_bytes == 0 && over_entries == 0 && bytes <= nearly_full {
            return 0;
        }
        let mean = bytes.div_ceil(entries.max(1)).max(1);
        let over_soft =
            (bytes + spare_bytes(capacity_bytes, mean) / share).saturating_sub(capacity_bytes);
        over_bytes.max(over_soft).max(over_entries * mean)
    }
}

/// Bytes to keep free, so that inserts find room while the worker runs: a 128th of the
/// capacity, but at least four entries of mean size.
fn spare_bytes(capacity_bytes: u64, mean: u64) -> u64 {
    match mean.checked_mul(FEW_ENTRIES) {
        Some(few) if few <= capacity_bytes => (capacity_bytes / 128).max(4 * mean),
        _ => 0,
    }
}

fn spare_entries(max_entries: u64) -> u64 {
    match max_entries {
        few if few < FEW_ENTRIES => 0,
        max_entries => (max_entries / 128).max(4),
    }
}
