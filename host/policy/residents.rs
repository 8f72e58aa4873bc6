//! The worker's interface to a store: draining events and evicting entries.

use super::{Batch, Keys};

/// A store as the worker sees it. Every method takes bounded time. No method returns with
/// a lock of the store held.
///
/// The store records for each slot whether the policy *knows* it.
/// [`drain`](Self::drain) reports the changes since the last drain, and marks admitted
/// slots as known and removed ones as unknown. [`evict`](Self::evict) marks the policy's
/// victims as unknown. So when nothing is left to drain, the policy knows exactly the
/// resident entries.
pub trait Residents: Keys + 'static {
    /// Appends to `batch` at most `limit` changes and at most `limit` touches.
    /// Returns whether more are waiting.
    fn drain(&self, batch: &mut Batch, limit: usize) -> bool;

    /// The weight to evict. The limit is below the capacity, so that inserts find room
    /// without waiting.
    fn need(&self) -> u64;

    /// Evicts the victims that the policy returned for the last batch. A victim is skipped
    /// and counted if it is not known, named twice, out of bounds, or if its slot has
    /// changed since that drain. The policy has forgotten a skipped victim too, so a
    /// changed slot that holds an entry is reported as admitted by the next drain.
    fn evict(&self, victims: &[u32]) -> Evicted;

    /// Evicts entries that were not used lately, until `need()` is 0 or `limit` entries
    /// are evicted. It serves when the policy does not choose. The next drain reports the
    /// entries to the policy as removed. Returns the number of evicted entries.
    fn evict_by_recency(&self, limit: usize) -> usize;

    /// Queues every entry to be reported as admitted, for a policy that knows none. The
    /// slots of `order` come first, in that order; the rest follow by recency, coldest
    /// first. Touches that were not drained are dropped. Returns the number of entries.
    fn resync(&self, order: &[u32]) -> usize;
}

/// What became of a policy's victims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Entries dropped.
    pub entries: u32,
    /// Weight of those entries.
    pub weight: u64,
    /// Victims skipped because their slot changed since the drain. The policy is not at
    /// fault.
    pub stale: u32,
    /// Victims that the policy does not know: never admitted, out of bounds, or named
    /// twice.
    pub bogus: u32,
}
