//! SIEVE: entries stand in the order of their arrival, and a hand goes over them from
//! the oldest to the newest. It spares an entry that was used since it last came by,
//! and takes the first that was not.
//!
//! Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is simpler than LRU: an
//! efficient turn-key eviction algorithm for web caches", NSDI 2024.
//!
//! A use sets a flag and moves nothing. 9 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotArray, SlotList, export_policy};

/// SIEVE.
#[derive(Debug)]
pub struct Sieve {
    /// The last to arrive at the front.
    arrival: SlotList,
    used: SlotArray<bool>,
    /// The entry to look at next; none: the oldest.
    hand: Option<u32>,
}

impl Policy for Sieve {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        let bound = config.max_entries;
        Ok(Self { arrival: SlotList::new(bound), used: SlotArray::new(bound, false), hand: None })
    }

    fn touch(&mut self, slot: u32) {
        self.used.set(slot, true);
    }

    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.used.set(slot, false);
        self.arrival.push_front(slot);
    }

    fn remove(&mut self, slot: u32) {
        if self.hand == Some(slot) {
            self.hand = self.arrival.before(slot);
        }
        self.arrival.remove(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        let mut slot = self.hand.or(self.arrival.back())?;
        while self.used.get(slot) {
            self.used.set(slot, false);
            slot = self.arrival.before(slot).or(self.arrival.back())?;
        }
        self.hand = self.arrival.before(slot);
        self.arrival.remove(slot);
        Some(slot)
    }
}

export_policy!(Sieve);

#[cfg(test)]
mod tests;
