//! Evicted records that wait for the next inserts to free them.
//!
//! The lane's thread takes out what inserts have allocated. Were it to free that too,
//! its thread and theirs would meet at the allocator's lock for each entry. An insert
//! that frees one record for the one that it made gives memory back where it is asked
//! for next, and mostly gets the same piece again.

use super::record::Record;

/// What left one shard and still takes memory: no more than [`Spent::MOST`] bytes.
#[derive(Debug, Default)]
pub(super) struct Spent {
    records: Vec<Record>,
    weight: u64,
}

impl Spent {
    /// Bytes, counted as in the budget, in which they do not count any more.
    const MOST: u64 = 8 << 10;

    /// Keeps `record` for an insert to free; gives it back if there is no room.
    pub(super) fn push(&mut self, record: Record) -> Option<Record> {
        let weight = record.weight();
        if self.weight + weight > Self::MOST {
            return Some(record);
        }
        self.weight += weight;
        self.records.push(record);
        None
    }

    /// A record to free, outside of the shard's lock.
    pub(super) fn pop(&mut self) -> Option<Record> {
        let record = self.records.pop()?;
        self.weight -= record.weight();
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::entry::{Cost, Deadline};

    #[test]
    fn keeps_a_few_and_gives_all_of_them_back() {
        let record = || Record::new("key", None, Deadline::NEVER, Cost::new(0));
        let mut spent = Spent::default();
        let room = (0..).take_while(|_| spent.push(record()).is_none()).count() as u64;
        assert_eq!(room, Spent::MOST / record().weight());
        for _ in 0..room {
            assert!(spent.pop().is_some());
        }
        assert!(spent.pop().is_none() && spent.push(record()).is_none());
    }

    #[test]
    fn a_large_record_is_never_kept() {
        let value = Some(vec![0; 8 << 10].into());
        let large = Record::new("key", value, Deadline::NEVER, Cost::new(0));
        assert!(Spent::default().push(large).is_some());
    }
}
