//! Miniatures of the live cache, each with a window of its own.

use psycache_plugin::{Ghosts, SlotArray};

use crate::segments::Segments;
use crate::sketch::Sketch;

/// How many there are.
pub(crate) const COUNT: usize = 5;

/// Keys for which they reserve room: each holds up to 1,023, many of which others hold too.
const KEYS: u32 = 2048;

/// Caches of hashes that are a sample of all, as much smaller as they are fewer: the hit
/// ratio of each estimates the one that the live cache would have with its window.
#[derive(Debug)]
pub(crate) struct Shadows {
    /// What at least one of them holds. The ids are the slots of `caches`.
    keys: Ghosts,
    /// A bit for each cache that holds the key.
    holders: SlotArray<u8>,
    /// With small chunks: there are few entries.
    caches: [Segments<64>; COUNT],
}

impl Shadows {
    pub(crate) fn new(window_shares: [f64; COUNT]) -> Self {
        Self {
            keys: Ghosts::new(KEYS),
            holders: SlotArray::new(KEYS, 0),
            caches: window_shares.map(|share| Segments::new(KEYS, share)),
        }
    }

    /// A key of the sample is asked for. Calls `hit` with each cache that holds it. It comes
    /// into the others, and there others leave until it is one of `capacity`.
    pub(crate) fn request(
        &mut self,
        hash: u32,
        capacity: u32,
        sketch: &Sketch,
        mut hit: impl FnMut(usize),
    ) {
        let id = self.keys.find(hash.into()).unwrap_or_else(|| self.keys.push(hash.into()));
        let holders = self.holders.get(id);
        for cache in 0..COUNT {
            if holders & 1 << cache != 0 {
                self.caches[cache].touch(id);
                hit(cache);
                continue;
            }
            self.caches[cache].set_full_len(capacity);
            while self.caches[cache].len() >= capacity.max(1) {
                self.evict(cache, sketch);
            }
            self.caches[cache].insert(id, hash);
        }
        self.holders.set(id, (1 << COUNT) - 1);
    }

    fn evict(&mut self, cache: usize, sketch: &Sketch) {
        let evicted = self.caches[cache].evict(|newcomer, victim| sketch.prefers(newcomer, victim));
        let Some(id) = evicted else { return };
        let holders = self.holders.get_mut(id);
        *holders &= !(1 << cache);
        if *holders == 0 {
            self.keys.remove(id);
        }
    }

    /// The key is deleted.
    pub(crate) fn remove(&mut self, hash: u32) {
        if let Some(id) = self.keys.find(hash.into()) {
            self.forget(id);
        }
    }

    /// Drops the keys that are not in the sample any more.
    pub(crate) fn retain(&mut self, is_sampled: impl Fn(u32) -> bool) {
        let keys = &self.keys;
        let dropped: Vec<u32> =
            keys.iter().filter(|id| !is_sampled(keys.hash(*id) as u32)).collect();
        dropped.into_iter().for_each(|id| self.forget(id));
    }

    fn forget(&mut self, id: u32) {
        let holders = self.holders.get(id);
        for (at, cache) in self.caches.iter_mut().enumerate() {
            if holders & 1 << at != 0 {
                cache.remove(id);
            }
        }
        self.holders.set(id, 0);
        self.keys.remove(id);
    }
}
