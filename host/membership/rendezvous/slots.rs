//! The slots into which the key space is cut.

/// 2^17 of them: with 2^16 the deviation of a share is 1.4 times as large.
pub(super) const SLOT_BITS: u32 = 17;

pub(super) const SLOTS: usize = 1 << SLOT_BITS;

/// The slot of the keys with this [`ring_hash`](crate::key::ring_hash).
pub(super) fn slot(ring_hash: u64) -> usize {
    (ring_hash >> (u64::BITS - SLOT_BITS)) as usize
}
