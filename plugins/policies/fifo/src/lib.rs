//! FIFO: the entry that came first leaves first, whatever its use.
//!
//! One queue in the order of arrival. At most 16 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotQueue, export_policy};

/// First in, first out.
#[derive(Debug)]
pub struct Fifo {
    /// The last to arrive at the front.
    arrival: SlotQueue,
}

impl Policy for Fifo {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        Ok(Self { arrival: SlotQueue::new(config.max_entries) })
    }

    #[inline]
    fn touch(&mut self, _slot: u32) {}

    #[inline]
    fn insert(&mut self, slot: u32, _entry: &Entry) {
        self.arrival.push_front(slot);
    }

    #[inline]
    fn remove(&mut self, slot: u32) {
        self.arrival.remove(slot);
    }

    #[inline]
    fn victim(&mut self) -> Option<u32> {
        self.arrival.pop_back()
    }
}

export_policy!(Fifo);

#[cfg(test)]
mod tests;
