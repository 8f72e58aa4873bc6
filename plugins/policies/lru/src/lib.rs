//! LRU: the entry whose last use lies furthest back leaves first.
//!
//! One queue in the order of use. At most 16 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotQueue, export_policy};

/// Least recently used.
#[derive(Debug)]
pub struct Lru {
    /// Most recently used at the front.
    recency: SlotQueue,
}

impl Policy for Lru {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        Ok(Self { recency: SlotQueue::new(config.max_entries) })
    }

    #[inline]
    fn touch(&mut self, slot: u32) {
        self.recency.move_to_front(slot);
    }

    #[inline]
    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.recency.push_front(slot);
    }

    #[inline]
    fn remove(&mut self, slot: u32) {
        self.recency.remove(slot);
    }

    #[inline]
    fn victim(&mut self) -> Option<u32> {
        self.recency.pop_back()
    }
}

export_policy!(Lru);

#[cfg(test)]
mod tests;
