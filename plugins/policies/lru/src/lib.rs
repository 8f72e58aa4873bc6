//! LRU: the entry whose last use lies furthest back leaves first.
//!
//! One list in the order of use. 8 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotList, export_policy};

/// Least recently used.
#[derive(Debug, Default)]
pub struct Lru {
    /// Most recently used at the front.
    recency: SlotList,
}

impl Policy for Lru {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        Ok(Self::default())
    }

    fn touch(&mut self, slot: u32) {
        self.recency.move_to_front(slot);
    }

    fn admit(&mut self, slot: u32, _entry: &Entry) {
        self.recency.push_front(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.recency.remove(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        self.recency.pop_back()
    }
}

export_policy!(Lru);

#[cfg(test)]
mod tests;
