//! S3-FIFO: a new entry waits in a small FIFO queue. If it was used at least twice by the
//! time it reaches the end, it moves to the main queue, otherwise it is evicted and its
//! hash is remembered. An entry whose hash is remembered goes to the main queue at once.
//! The main queue spares an entry for as many rounds as it was used, at most three.
//!
//! J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache
//! eviction", SOSP 2023, algorithm 1. The small queue holds a tenth of the resident
//! entries, the ghost queue as many hashes as the main queue has entries.
//!
//! This is the algorithm as it was published. libCacheSim, the authors' simulator, also
//! fills the main queue directly until the first eviction. That changes only the start of
//! a stream, and it needs the capacity in entries, which a budget in bytes does not tell.
//!
//! Where it admits an entry to a full main queue, the algorithm evicts one there and goes on
//! to evict one from the small queue: two leave for one that comes.
//!
//! 18 bytes an entry and 22 a remembered hash: 38 bytes an entry, and 4 for its weight in
//! the SDK.

use psycache_plugin::{
    Chain, Config, ConfigError, Entry, Ghosts, Links, Policy, SlotArray, export_policy,
};

/// The small queue holds one of this many resident entries.
const SMALL_SHARE: u32 = 10;

/// Uses that are counted.
const MOST_USES: u8 = 3;

/// Uses that move an entry from the small queue to the main queue.
const USES_TO_STAY: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Small,
    Main,
}

/// Where an entry stands, and its uses since it came there.
#[derive(Clone, Copy, Debug)]
struct Place {
    queue: Queue,
    uses: u8,
}

/// S3-FIFO.
#[derive(Debug)]
pub struct S3Fifo {
    places: SlotArray<Place>,
    hashes: SlotArray<u64>,
    /// Links both queues: an entry stands in one of them.
    links: Links,
    /// The last to arrive at the front.
    small: Chain,
    small_len: u32,
    /// The last to arrive, or to be spared, at the front.
    main: Chain,
    main_len: u32,
    ghosts: Ghosts,
    /// Entries that fitted when the last eviction began.
    room: u32,
    /// The main queue gave an entry to admit one from the small queue; the small queue
    /// has still to give one.
    small_owes: bool,
}

impl S3Fifo {
    fn small_limit(&self) -> u32 {
        (self.room / SMALL_SHARE).max(1)
    }

    /// Of the main queue and of the ghost queue.
    fn main_limit(&self) -> u32 {
        self.room.saturating_sub(self.small_limit())
    }

    fn push_small(&mut self, slot: u32) {
        self.places.set(slot, Place { queue: Queue::Small, uses: 0 });
        self.small.push_front(&mut self.links, slot);
        self.small_len += 1;
    }

    fn push_main(&mut self, slot: u32, uses: u8) {
        self.places.set(slot, Place { queue: Queue::Main, uses });
        self.main.push_front(&mut self.links, slot);
        self.main_len += 1;
    }

    /// Moves entries from the end of the small queue to the main queue up to the first one
    /// that was not used enough. A full main queue gives an entry for one that it gets.
    fn evict_small(&mut self) -> Option<u32> {
        self.small_owes = false;
        while let Some(slot) = self.small.pop_back(&mut self.links) {
            self.small_len -= 1;
            if self.places.get(slot).uses < USES_TO_STAY {
                self.ghosts.push(self.hashes.get(slot));
                return Some(slot);
            }
            let is_full = self.main_len >= self.main_limit();
            let evicted = if is_full { self.evict_main() } else { None };
            self.push_main(slot, 0);
            if evicted.is_some() {
                self.small_owes = true;
                return evicted;
            }
        }
        None
    }

    /// The first entry from the end of the main queue that was not used.
    fn evict_main(&mut self) -> Option<u32> {
        loop {
            let slot = self.main.pop_back(&mut self.links)?;
            self.main_len -= 1;
            match self.places.get(slot).uses {
                0 => return Some(slot),
                uses => self.push_main(slot, uses - 1),
            }
        }
    }
}

impl Policy for S3Fifo {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        let bound = config.max_entries;
        Ok(Self {
            places: SlotArray::new(bound, Place { queue: Queue::Small, uses: 0 }),
            hashes: SlotArray::new(bound, 0),
            links: Links::new(bound),
            small: Chain::default(),
            small_len: 0,
            main: Chain::default(),
            main_len: 0,
            ghosts: Ghosts::new(bound - bound / SMALL_SHARE + 2),
            room: 0,
            small_owes: false,
        })
    }

    fn touch(&mut self, slot: u32) {
        let place = self.places.get_mut(slot);
        place.uses = (place.uses + 1).min(MOST_USES);
    }

    fn insert(&mut self, slot: u32, entry: &Entry) {
        self.hashes.set(slot, entry.hash);
        // The ghosts are cut to size before the look-up: the paper evicts first, then asks
        // whether the newcomer is a ghost.
        self.ghosts.trim(self.main_limit());
        match self.ghosts.find(entry.hash) {
            Some(ghost) => {
                self.ghosts.remove(ghost);
                self.push_main(slot, 0);
            }
            None => self.push_small(slot),
        }
    }

    fn remove(&mut self, slot: u32) {
        match self.places.get(slot).queue {
            Queue::Main => {
                self.main.remove(&mut self.links, slot);
                self.main_len -= 1;
            }
            Queue::Small => {
                self.small.remove(&mut self.links, slot);
                self.small_len -= 1;
            }
        }
    }

    fn victim(&mut self) -> Option<u32> {
        let small_owed = self.victim_beyond_need();
        if small_owed.is_some() {
            return small_owed;
        }
        self.room = self.small_len + self.main_len;
        self.ghosts.trim(self.main_limit());
        match self.small_len >= self.small_limit() {
            true => self.evict_small().or_else(|| self.evict_main()),
            false => self.evict_main().or_else(|| self.evict_small()),
        }
    }

    fn victim_beyond_need(&mut self) -> Option<u32> {
        if self.small_owes { self.evict_small() } else { None }
    }
}

export_policy!(S3Fifo);

#[cfg(test)]
mod tests;
