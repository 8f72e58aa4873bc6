//! Segmented LRU: a new entry is on probation. One that is used there is protected, and
//! returns to probation when others have been used more lately. Who leaves is the entry on
//! probation that was used last the longest time ago.
//!
//! R. Karedla, J. S. Love, B. G. Wherry, "Caching strategies to improve disk system
//! performance", IEEE Computer 1994.
//!
//! Option: `protected` (0.8), the share of the resident entries that may be protected.
//!
//! 9 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Chain, Config, ConfigError, Entry, Links, Policy, SlotArray, export_policy};

/// Segmented LRU.
#[derive(Debug)]
pub struct Slru {
    is_protected: SlotArray<bool>,
    /// Links both chains: an entry stands in one of them.
    links: Links,
    /// The last to arrive, to be used or to return at the front.
    probation: Chain,
    /// The last used at the front.
    protected: Chain,
    protected_len: u32,
    resident: u32,
    protected_share: f64,
}

impl Slru {
    fn put_on_probation(&mut self, slot: u32) {
        self.is_protected.set(slot, false);
        self.probation.push_front(&mut self.links, slot);
    }

    fn protect(&mut self, slot: u32) {
        self.is_protected.set(slot, true);
        self.protected.push_front(&mut self.links, slot);
        self.protected_len += 1;
    }

    fn take_out(&mut self, slot: u32) {
        if self.is_protected.get(slot) {
            self.protected.remove(&mut self.links, slot);
            self.protected_len -= 1;
        } else {
            self.probation.remove(&mut self.links, slot);
        }
    }
}

impl Policy for Slru {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        let options = config.options();
        let protected_share = options.parse("protected", 0.8, 0.0..=1.0)?;
        options.finish()?;
        let bound = config.max_entries;
        Ok(Self {
            is_protected: SlotArray::new(bound, false),
            links: Links::new(bound),
            probation: Chain::default(),
            protected: Chain::default(),
            protected_len: 0,
            resident: 0,
            protected_share,
        })
    }

    fn touch(&mut self, slot: u32) {
        self.take_out(slot);
        self.protect(slot);
        let limit = (f64::from(self.resident) * self.protected_share) as u32;
        while self.protected_len > limit
            && let Some(coldest) = self.protected.back()
        {
            self.take_out(coldest);
            self.put_on_probation(coldest);
        }
    }

    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.resident += 1;
        self.put_on_probation(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.resident -= 1;
        self.take_out(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        let slot = self.probation.back().or(self.protected.back())?;
        self.remove(slot);
        Some(slot)
    }
}

export_policy!(Slru);

#[cfg(test)]
mod tests;
