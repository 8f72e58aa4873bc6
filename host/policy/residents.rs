//! The worker's view of a store: what happened, and who may be evicted.

use super::{Batch, Keys};

/// A store as the worker sees it. Every method takes bounded time and holds its
/// own locks only inside.
///
/// The contract that keeps both sides in step: the store remembers for each slot
/// whether the policy *knows* it. [`drain`](Self::drain) reports the differences
/// since the last drain and marks them known; [`evict`](Self::evict) makes the
/// policy's victims unknown. So after a drain the set that the policy holds is
/// the set that the store holds.
pub trait Residents: Keys + 'static {
    /// Appends to `batch` at most `limit` changes and at most `limit` touches.
    /// Answers whether more is waiting.
    fn drain(&self, batch: &mut Batch, limit: usize) -> bool;

    /// By how much the weight held exceeds what the worker should keep it under,
    /// so that inserts find room without waiting.
    fn need(&self) -> u64;

    /// Applies a policy's answer to the last batch. A victim that is not known,
    /// named twice, out of bounds, or whose slot has changed since that drain is
    /// skipped and counted; the policy has forgotten it all the same, so the
    /// store reports a live one again with the next drain.
    fn evict(&self, victims: &[u32]) -> Evicted;

    /// The node's own choice, where a policy gives none: evicts entries that were
    /// not used lately until `need()` is 0 or `limit` are gone. The policy is told
    /// of them as removed. Answers how many went.
    fn evict_by_recency(&self, limit: usize) -> usize;

    /// A new policy knows nothing: every entry is to be reported as admitted, those of
    /// `order` first and in that order, the rest by recency, coldest first. Touches not
    /// yet drained are dropped. Answers how many entries there are.
    fn resync(&self, order: &[u32]) -> usize;
}

/// What became of a policy's victims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Entries dropped.
    pub entries: u32,
    /// Weight that came free.
    pub weight: u64,
    /// Victims skipped because their slot changed since the drain: no fault.
    pub stale: u32,
    /// Victims that the policy could not have: never admitted, out of bounds, or
    /// named twice.
    pub bogus: u32,
}
