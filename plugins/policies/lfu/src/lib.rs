//! LFU: the entry used least often since it was stored leaves first; among equals the
//! one whose last use lies furthest back.
//!
//! Entries of one count share a bucket, the buckets form a list in the order of
//! counts, and a use moves an entry to the next bucket: every operation is O(1)
//! (K. Shah, A. Mitra, D. Matani, "An O(1) algorithm for implementing the LFU cache
//! eviction scheme", 2010). A use always changes the bucket, so the order of arrival
//! in a bucket is the order of last use, and ties need no further care.
//!
//! 12 bytes an entry and 24 a bucket, of which there are as many as distinct counts:
//! at most 36 bytes an entry, and 4 for its weight in the SDK.

mod buckets;

use buckets::Buckets;
use psycache_plugin::{Config, ConfigError, Entry, Links, Policy, SlotArray, export_policy};

/// Least frequently used, by the count of uses while resident.
#[derive(Debug)]
pub struct Lfu {
    buckets: Buckets,
    /// Links the entries of each bucket, the last used at the front.
    links: Links,
    bucket_of: SlotArray<u32>,
}

impl Lfu {
    fn place(&mut self, slot: u32, bucket: u32) {
        self.buckets.entries(bucket).push_front(&mut self.links, slot);
        self.bucket_of.set(slot, bucket);
    }
}

impl Policy for Lfu {
    fn configure(config: &Config) -> Result<Self, ConfigError> {
        config.options().finish()?;
        let bound = config.max_entries;
        let (links, bucket_of) = (Links::new(bound), SlotArray::new(bound, 0));
        Ok(Self { buckets: Buckets::new(bound), links, bucket_of })
    }

    fn touch(&mut self, slot: u32) {
        let bucket = self.bucket_of.get(slot);
        self.buckets.entries(bucket).remove(&mut self.links, slot);
        let next = self.buckets.successor(bucket);
        self.place(slot, next);
    }

    fn insert(&mut self, slot: u32, _entry: &Entry) {
        let bucket = self.buckets.of_count_one();
        self.place(slot, bucket);
    }

    fn remove(&mut self, slot: u32) {
        let bucket = self.bucket_of.get(slot);
        self.buckets.entries(bucket).remove(&mut self.links, slot);
        self.buckets.recycle_if_empty(bucket);
    }

    fn victim(&mut self) -> Option<u32> {
        let bucket = self.buckets.lowest()?;
        let slot = self.buckets.entries(bucket).pop_back(&mut self.links)?;
        self.buckets.recycle_if_empty(bucket);
        Some(slot)
    }
}

export_policy!(Lfu);

#[cfg(test)]
mod tests;
