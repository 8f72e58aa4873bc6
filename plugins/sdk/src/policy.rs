//! What an eviction policy must do, one slot at a time.

use crate::{Config, ConfigError};

/// What the node tells about an entry when it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A stable function of the key, below 2^53. It outlives the slot: ghost lists
    /// and sketches know an entry by it.
    pub hash: u64,
    /// Share of the budget, in the unit of [`Config::capacity`]; at least 1.
    pub weight: u32,
    /// Microseconds that the value took to load; 0 if it was set.
    pub cost_us: u32,
    /// Time to live in milliseconds; 0 for none.
    pub ttl_ms: u32,
}

/// An eviction policy for one group.
///
/// [`Stepped`](crate::Stepped) calls it and guarantees that `touch`, `remove` and
/// `overwrite` name only resident slots, `insert` only slots that are not resident,
/// and that every slot is below [`Config::max_entries`]. A slot is resident from its
/// `insert` until its `remove` or until `victim` returns it; it is reused afterwards.
///
/// Nothing here may panic for an input that keeps this contract: a panic ends the
/// instance, and the node starts a new one from what it holds.
pub trait Policy: Sized {
    /// Builds the policy from its options.
    ///
    /// # Errors
    /// An option that is unknown, missing or has a value that makes no sense; read
    /// them with [`Config::options`], which words these errors.
    fn configure(config: &Config) -> Result<Self, ConfigError>;

    /// A new step begins at `now_ms` on the node's monotonic clock. For policies
    /// that weigh time; most don't.
    fn begin_step(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// The entry was read.
    fn touch(&mut self, slot: u32);

    /// A new entry was stored.
    fn insert(&mut self, slot: u32, entry: &Entry);

    /// The value of a resident entry was replaced in place; counts as an access.
    fn overwrite(&mut self, slot: u32, entry: &Entry) {
        let _ = entry;
        self.touch(slot);
    }

    /// The entry is gone for a reason of its own (deleted, expired, dropped by the
    /// node): no eviction, so no ghost of it is kept.
    fn remove(&mut self, slot: u32);

    /// Chooses the entry that should leave next and forgets it. `None` if nothing
    /// is resident, or if the policy would rather let the node choose.
    fn victim(&mut self) -> Option<u32>;

    /// Chooses and forgets an entry that leaves although enough has left in this step:
    /// some published algorithms evict two entries at once now and then. Called after
    /// the last [`victim`](Self::victim) of a step until there is none. A policy that was
    /// not asked, because the step may name no more victims, chooses it the next time.
    fn victim_beyond_need(&mut self) -> Option<u32> {
        None
    }
}
