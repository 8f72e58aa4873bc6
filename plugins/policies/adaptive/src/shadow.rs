//! A miniature of the live cache, with a window of its own.

use psycache_plugin::Ghosts;

use crate::segments::Segments;
use crate::sketch::Sketch;

/// Entries for which a shadow reserves room.
const ENTRIES: u32 = 1024;

/// A cache of hashes that are a sample of all, as much smaller as they are fewer: its
/// hit ratio estimates the one that the live cache would have with this window.
#[derive(Debug)]
pub(crate) struct Shadow {
    /// Its ids are the slots of `segments`.
    keys: Ghosts,
    segments: Segments,
}

impl Shadow {
    pub(crate) fn new(window_share: f64) -> Self {
        Self { keys: Ghosts::new(ENTRIES), segments: Segments::new(ENTRIES, window_share) }
    }

    /// The window, as a share of the entries.
    pub(crate) fn window_share(&self) -> f64 {
        self.segments.window_share()
    }

    /// A key of the sample is asked for; whether that is a hit. On a miss it comes in,
    /// and others leave until it is one of `capacity`.
    pub(crate) fn request(&mut self, hash: u32, capacity: u32, sketch: &Sketch) -> bool {
        if let Some(id) = self.keys.find(hash.into()) {
            self.segments.touch(id);
            return true;
        }
        while self.segments.len() >= capacity.max(1) {
            self.evict(sketch);
        }
        let id = self.keys.push(hash.into());
        self.segments.insert(id, hash);
        false
    }

    fn evict(&mut self, sketch: &Sketch) {
        let estimate = |hash| sketch.estimate(hash);
        let evicted = self.segments.evict(|newcomer, victim| estimate(newcomer) > estimate(victim));
        if let Some(id) = evicted {
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
        self.segments.remove(id);
        self.keys.remove(id);
    }
}
