//! Gets of several keys at once, which wait for memory together.
//!
//! A get from a large store waits for memory three times, one after the other: for a line of
//! the index, for the slot, and for the record. The next get can't begin meanwhile, because it takes
//! a lock, and the processor does not move reads across that. Here one lock is taken for all keys
//! of a shard, and what they need is read before the first is answered, so that the processor
//! fetches it side by side. The gain is the larger the more keys a shard has: a machine of two cores
//! has 8 shards, one of 16 has 64.

use std::hint::black_box;

use super::Store;
use super::entry::Found;
use super::sharded::kept;

/// Most keys that are answered under one lock of a shard, so that writers wait for no more.
const AT_ONCE: usize = 32;

impl Store {
    /// Returns the live entries of keys with their [hashes](Self::hash), in the same order, and
    /// counts a use of each.
    #[must_use]
    pub fn get_many(&self, keys: &[(&str, u64)]) -> Vec<Option<Found>> {
        let mut found = vec![None; keys.len()];
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        let hash = |at: u32| keys[at as usize].1;
        order.sort_unstable_by_key(|at| (self.shard_number(hash(*at)), *at));
        let of_shards = order
            .chunk_by(|one, next| self.shard_number(hash(*one)) == self.shard_number(hash(*next)));
        for of_shard in of_shards.flat_map(|of_shard| of_shard.chunks(AT_ONCE)) {
            let table = self.shard(hash(of_shard[0])).0.read();
            if of_shard.len() > 1 {
                let mut slots = [None; AT_ONCE];
                for (slot, at) in slots.iter_mut().zip(of_shard) {
                    *slot = table.find_likely(kept(hash(*at)));
                }
                for slot in slots.into_iter().flatten() {
                    black_box(table.arena.at(slot).record.deadline());
                }
            }
            let mut call = false;
            for at in of_shard {
                let (key, hash) = keys[*at as usize];
                found[*at as usize] = self.get_in(&table, key, hash, &mut call);
            }
            drop(table);
            if call {
                (self.wake)();
            }
        }
        found
    }
}
