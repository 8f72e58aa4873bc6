//! The entries of a shard by slot, in chunks, so that growing never moves an entry.

use super::entry::Entry;

const CHUNK: usize = 256;

/// Slots `0..opened()`, vacant or not. Their number grows on demand up to a limit.
#[derive(Debug)]
pub(super) struct Arena {
    chunks: Vec<Box<[Entry; CHUNK]>>,
    /// Vacant slots below `opened`. The last vacated is on top, because it is most likely in
    /// the processor's cache.
    free: Vec<u32>,
    opened: u32,
    limit: u32,
}

impl Arena {
    pub(super) fn new(limit: u32) -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), opened: 0, limit }
    }

    /// Allows slots up to `limit`. A lower limit than before changes nothing.
    pub(super) fn raise(&mut self, limit: u32) {
        self.limit = self.limit.max(limit);
    }

    /// Takes a vacant slot; `None` if all are taken.
    pub(super) fn take(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        if self.opened == self.limit {
            return None;
        }
        let slot = self.opened;
        self.opened += 1;
        if slot as usize / CHUNK == self.chunks.len() {
            self.chunks.push(Box::new([const { Entry::vacant() }; CHUNK]));
        }
        Some(slot)
    }

    /// Returns a slot that was taken.
    pub(super) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// Exclusive upper bound of the slots that were ever taken.
    pub(super) fn opened(&self) -> u32 {
        self.opened
    }

    /// Panics unless `slot` is below [`opened`](Self::opened).
    pub(super) fn at(&self, slot: u32) -> &Entry {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    /// Panics unless `slot` is below [`opened`](Self::opened).
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Entry {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }
}
