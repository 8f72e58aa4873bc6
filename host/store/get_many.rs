//! Gets of several keys at once, which wait for memory together.
//!
//! A get from a large store waits for memory three times, one after the other: for a line of
//! the index, for the slot, and for the record. The next get can't begin meanwhile, because it takes
//! a lock, and the processor does not move reads across that. Here one lock is taken for all keys
//! of a shard, and what they need is read before the first is answered, so that the processor
//! fetches it side by side. The gain is the larger the more keys a shard has: a machine of two cores
//! has 8 shards, one of 16 has 64.

use std::cell::OnceCell;
use std::hint::black_box;
use std::iter::successors;

use super::Store;
use super::entry::Found;
use super::sharded::kept;

/// Most keys that are looked up at once. If all are of one shard, writers wait for so many.
const AT_ONCE: usize = 64;

/// No key.
const NONE: u8 = u8::MAX;

const _: () = assert!(AT_ONCE <= NONE as usize);

impl Store {
    /// Returns the live entries of keys with their [hashes](Self::hash), in the same order, and
    /// counts a use of each. The clock is read once.
    #[must_use]
    pub fn get_many(&self, keys: &[(&str, u64)]) -> Vec<Option<Found>> {
        let mut found = Vec::new();
        found.resize_with(keys.len(), || None);
        let now_ms = OnceCell::new();
        let now_ms = || *now_ms.get_or_init(|| self.clock.now_ms());
        for (keys, found) in keys.chunks(AT_ONCE).zip(found.chunks_mut(AT_ONCE)) {
            self.get_at_once(keys, found, &now_ms);
        }
        found
    }

    fn get_at_once(
        &self,
        keys: &[(&str, u64)],
        found: &mut [Option<Found>],
        now_ms: &impl Fn() -> u64,
    ) {
        // For each shard its first key; for each key the next one of its shard.
        let (mut first, mut next) = ([NONE; Self::MOST_SHARDS], [NONE; AT_ONCE]);
        for (at, (_, hash)) in keys.iter().enumerate().rev() {
            let shard = self.shard_number(*hash);
            next[at] = std::mem::replace(&mut first[shard], at as u8);
        }
        for (at, (_, hash)) in keys.iter().enumerate() {
            if usize::from(first[self.shard_number(*hash)]) != at {
                continue;
            }
            let after = |at: &usize| Some(usize::from(next[*at])).filter(|at| *at < keys.len());
            let of_shard = successors(Some(at), after);
            let table = self.shard(*hash).0.read();
            let mut slots = [None; AT_ONCE];
            for at in of_shard.clone() {
                slots[at] = table.find_likely(kept(keys[at].1));
            }
            for slot in of_shard.clone().filter_map(|at| slots[at]) {
                black_box(table.arena.at(slot).record.deadline());
            }
            let mut call = false;
            for at in of_shard {
                let (key, hash) = keys[at];
                let slot =
                    slots[at].and_then(|slot| table.find_from(slot, key.as_bytes(), kept(hash)));
                found[at] =
                    slot.and_then(|slot| self.get_at(&table, slot, keys[at], now_ms, &mut call));
            }
            drop(table);
            if call {
                (self.wake)();
            }
        }
    }
}
