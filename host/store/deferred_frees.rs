//! Evicted records whose memory the next inserts free.
//!
//! Records are allocated on the threads of inserts and evicted on the worker thread. If the
//! worker freed them, it would contend with the inserts for the allocator's lock at each
//! entry. So each insert frees one deferred record after it has allocated its own, and the
//! next insert mostly reuses that memory.
//!
//! Deferred records are no longer in the index, and their room is already given back to
//! the budget.

use super::record::Record;

/// Small records that were evicted from one shard and are not freed yet.
#[derive(Debug)]
pub(super) struct DeferredFrees {
    /// Records with their weights. The weight is stored so that `pop`, which runs under the
    /// shard's lock, does not read the record.
    records: Vec<(Record, u32)>,
    weight: u64,
    most: u64,
}

impl DeferredFrees {
    /// An empty list that holds at most `most` bytes, by the budget's weight.
    pub(super) fn new(most: u64) -> Self {
        Self { records: Vec::new(), weight: 0, most }
    }

    /// Sets the limit for the records that are kept from now on.
    pub(super) fn limit(&mut self, most: u64) {
        self.most = most;
    }

    /// Keeps a record of this weight for an insert to free. Returns the record if it is large
    /// or does not fit.
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

    /// Takes a record. The caller must release the shard's lock before it drops the record.
    pub(super) fn pop(&mut self) -> Option<Record> {
        let (record, weight) = self.records.pop()?;
        self.weight -= u64::from(weight);
        Some(record)
    }

    /// Takes all records. The caller must release the shard's lock before it drops them.
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
