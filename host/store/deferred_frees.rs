//! Evicted records that wait for the next inserts to free them.
//!
//! What the worker's thread takes out, the threads of inserts have allocated. Were the worker
//! to free it, both would meet at the allocator's lock for each entry. So each insert
//! frees one such record after it has made its own, and the next one mostly gets that
//! memory.
//!
//! No look-up finds what waits here, and the budget has let go of it.

use super::record::Record;

/// Small records that left one shard and still take memory.
#[derive(Debug)]
pub(super) struct DeferredFrees {
    /// With their weights, so that `pop`, under the shard's lock, reads none of them.
    records: Vec<(Record, u32)>,
    weight: u64,
    most: u64,
}

impl DeferredFrees {
    /// None yet, and never more than `most` bytes, weighed as the budget does.
    pub(super) fn new(most: u64) -> Self {
        Self { records: Vec::new(), weight: 0, most }
    }

    /// Keeps a record of this weight for an insert to free; gives it back if it is large
    /// or there is no room.
    pub(super) fn push(&mut self, record: Record, weight: u64) -> Option<Record> {
        if self.weight + weight > self.most || !record.is_joined() {
            return Some(record);
        }
        self.weight += weight;
        self.records.push((record, weight as u32));
        None
    }

    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    /// A record to free, once the shard's lock is let go.
    pub(super) fn pop(&mut self) -> Option<Record> {
        let (record, weight) = self.records.pop()?;
        self.weight -= u64::from(weight);
        Some(record)
    }

    /// All of them, to free once the shard's lock is let go.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::packed::{Cost, Deadline};

    fn record(len: usize) -> Record {
        Record::new("key", Some(vec![0; len].into()), Deadline::NEVER, Cost::new(0))
    }

    #[test]
    fn keeps_what_fits_and_gives_all_of_it_back() {
        let mut deferred_frees = DeferredFrees::new(1000);
        let kept = (0..).take_while(|_| deferred_frees.push(record(10), 300).is_none()).count();
        assert_eq!(kept, 3);
        for _ in 0..kept {
            assert!(deferred_frees.pop().is_some());
        }
        assert!(deferred_frees.pop().is_none());
        assert!(deferred_frees.push(record(10), 1000).is_none());
        assert!(deferred_frees.take().pop().is_some() && deferred_frees.pop().is_none());
        assert!(deferred_frees.push(record(10), 1000).is_none());
    }

    #[test]
    fn a_large_record_is_never_kept() {
        // Its value came from elsewhere, in a buffer of any size.
        assert!(DeferredFrees::new(1 << 20).push(record(5000), 5100).is_some());
    }
}
