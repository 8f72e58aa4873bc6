//! Entries that have left but are remembered: a bounded-by-its-owner FIFO of hashes.

use crate::{SlotArray, SlotList};

/// No ghost in a bucket, or the end of its chain.
const NONE: u32 = u32::MAX;

/// How many ghosts share a bucket on average: 6 bytes of index a ghost, and chains
/// short enough that a look-up reads about two hashes.
const GHOSTS_PER_BUCKET: u32 = 2;

/// Hashes of evicted entries, oldest first, found by hash in O(1).
///
/// Each ghost has an *id*, a dense number like a slot, so that a policy may keep
/// more about it in a [`SlotArray`]. A ghost takes 22 bytes. The index grows by one
/// bucket at a time (linear hashing; W. Litwin, "Linear hashing: a new tool for file
/// and table addressing", VLDB 1980), so no push ever rehashes the whole table.
#[derive(Clone, Debug)]
pub struct Ghosts {
    /// Newest at the front.
    order: SlotList,
    hashes: SlotArray<u64>,
    /// The next ghost in the same bucket; for an unused id, the next unused one.
    chained: SlotArray<u32>,
    buckets: SlotArray<u32>,
    bucket_count: u32,
    unused: u32,
    ids: u32,
}

impl Ghosts {
    /// None yet, and mostly no more than `bound` at a time.
    pub fn new(bound: u32) -> Self {
        Self {
            order: SlotList::new(bound),
            hashes: SlotArray::new(bound, 0),
            chained: SlotArray::new(bound, NONE),
            buckets: SlotArray::new(bound / GHOSTS_PER_BUCKET + 1, NONE),
            bucket_count: 1,
            unused: NONE,
            ids: 0,
        }
    }

    /// How many are remembered.
    pub fn len(&self) -> u32 {
        self.order.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Remembers `hash` as the newest ghost and returns its id. A hash pushed twice
    /// is two ghosts.
    pub fn push(&mut self, hash: u64) -> u32 {
        let id = match self.unused {
            NONE => {
                self.ids += 1;
                self.ids - 1
            }
            id => {
                self.unused = self.chained.get(id);
                id
            }
        };
        self.hashes.set(id, hash);
        self.order.push_front(id);
        self.chain(id, self.bucket_of(hash));
        if self.len() > self.bucket_count.saturating_mul(GHOSTS_PER_BUCKET) {
            self.split_one_bucket();
        }
        id
    }

    /// The id of a ghost with that hash.
    pub fn find(&self, hash: u64) -> Option<u32> {
        let mut id = self.buckets.get(self.bucket_of(hash));
        while id != NONE && self.hashes.get(id) != hash {
            id = self.chained.get(id);
        }
        (id != NONE).then_some(id)
    }

    /// Forgets the ghost `id`, which must be remembered.
    pub fn remove(&mut self, id: u32) {
        let bucket = self.bucket_of(self.hashes.get(id));
        let after = self.chained.get(id);
        let mut place = self.buckets.get(bucket);
        if place == id {
            self.buckets.set(bucket, after);
        } else {
            while self.chained.get(place) != id {
                place = self.chained.get(place);
            }
            self.chained.set(place, after);
        }
        self.order.remove(id);
        self.chained.set(id, self.unused);
        self.unused = id;
    }

    /// Forgets the oldest ghosts until at most `limit` are left.
    pub fn trim(&mut self, limit: u32) {
        while self.len() > limit {
            let Some(oldest) = self.order.back() else {
                return;
            };
            self.remove(oldest);
        }
    }

    /// The ids from newest to oldest.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter()
    }

    /// The hash of the ghost `id`.
    pub fn hash(&self, id: u32) -> u64 {
        self.hashes.get(id)
    }

    fn chain(&mut self, id: u32, bucket: u32) {
        self.chained.set(id, self.buckets.get(bucket));
        self.buckets.set(bucket, id);
    }

    /// With n buckets and p the power of two at or above n: the low bits modulo p,
    /// or modulo p/2 where that bucket does not exist yet.
    fn bucket_of(&self, hash: u64) -> u32 {
        // Fibonacci hashing: the high half depends on every bit of the hash.
        let mixed = (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32;
        let mask = self.bucket_count.next_power_of_two() - 1;
        match mixed & mask {
            bucket if bucket < self.bucket_count => bucket,
            bucket => bucket & (mask >> 1),
        }
    }

    fn split_one_bucket(&mut self) {
        let new = self.bucket_count;
        self.bucket_count += 1;
        let split = new & (self.bucket_count.next_power_of_two() / 2 - 1);
        let mut id = self.buckets.get(split);
        self.buckets.set(split, NONE);
        while id != NONE {
            let next = self.chained.get(id);
            self.chain(id, self.bucket_of(self.hashes.get(id)));
            id = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn finds_what_a_plain_queue_finds() {
        // Thousands of pushes under limits that rise and fall, with removals in the middle:
        // the index splits over 500 times and every id is reused many times.
        let (mut ghosts, mut model) = (Ghosts::new(2_200), VecDeque::new());
        for step in 0..30_000u64 {
            let hash = step.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 52;
            match (ghosts.find(hash), model.iter().position(|kept| *kept == hash)) {
                (Some(id), Some(at)) => {
                    ghosts.remove(id);
                    model.remove(at);
                }
                (None, None) => {
                    ghosts.push(hash);
                    model.push_front(hash);
                }
                (found, expected) => panic!("{hash}: found {found:?}, expected {expected:?}"),
            }
            let limit = 200 + (step / 10 % 2_000) as usize;
            model.truncate(limit);
            ghosts.trim(limit as u32);
            assert_eq!(ghosts.len() as usize, model.len());
        }
        let kept: Vec<u64> = ghosts.iter().map(|id| ghosts.hash(id)).collect();
        assert_eq!(kept, Vec::from(model));
        assert!(ghosts.bucket_count > 500, "{}", ghosts.bucket_count);
        assert!(ghosts.ids < 2_300, "{} ids for at most 2,200 ghosts", ghosts.ids);
    }

    #[test]
    fn a_hash_pushed_twice_is_two_ghosts() {
        let mut ghosts = Ghosts::new(2);
        let (first, second) = (ghosts.push(9), ghosts.push(9));
        assert_ne!(first, second);
        ghosts.remove(second);
        assert_eq!(ghosts.find(9), Some(first));
        ghosts.trim(0);
        assert!(ghosts.is_empty() && ghosts.find(9).is_none());
    }
}
