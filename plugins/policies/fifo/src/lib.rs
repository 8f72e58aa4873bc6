//! FIFO: the entry that came first leaves first, whatever its use.
//!
//! One list in the order of arrival. 8 bytes an entry, and 4 for its weight in the SDK.

use psycache_plugin::{Config, ConfigError, Entry, Policy, SlotList, export_policy};

/// First in, first out.
#[derive(Debug, Default)]
pub struct Fifo {
    /// The last to arrive at the front.
    arrival: SlotList,
}

impl Policy for Fifo {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        Ok(Self::default())
    }

    fn touch(&mut self, _slot: u32) {}

    fn admit(&mut self, slot: u32, _entry: &Entry) {
        self.arrival.push_front(slot);
    }

    fn remove(&mut self, slot: u32) {
        self.arrival.remove(slot);
    }

    fn victim(&mut self) -> Option<u32> {
        self.arrival.pop_back()
    }
}

export_policy!(Fifo);

#[cfg(test)]
mod tests;
