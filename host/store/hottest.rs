//! Lists the most recently used entries, to hand them over to another node.

use super::entry::{Entry, Marks};
use super::sharded::Store;
use crate::value::Value;

/// Slots examined before the lock of a shard is released and taken again.
const SLICE: u32 = 1024;

/// A live entry with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// When the entry expires on the store's clock; `None` if it never does.
    pub deadline_ms: Option<u64>,
}

impl Store {
    /// The slots of the live entries with a value, the most recently used first by the
    /// store's coarse epochs. It needs eight bytes of memory an entry while it runs.
    #[must_use]
    pub fn hottest(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let mut first = 0;
            loop {
                let table = shard.0.read();
                let end = table.arena.opened().min(first + SLICE);
                for local in first..end {
                    let entry = table.arena.at(local);
                    if self.is_held(entry) {
                        let age = entry.marks.age(table.epoch.now());
                        found.push((age, table.numbering.slot(local)));
                    }
                }
                if end == table.arena.opened() {
                    break;
                }
                first = end;
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The live entry with a value in a slot that [`hottest`](Self::hottest) returned. By
    /// now the slot may hold another entry, or none.
    #[must_use]
    pub fn held(&self, slot: u32) -> Option<Held> {
        let (shard, local) = self.place(slot);
        let table = shard.0.read();
        if local >= table.arena.opened() {
            return None;
        }
        self.held_in(table.arena.at(local))
    }

    /// The content of an entry if it is resident, alive and has a value.
    pub(super) fn held_in(&self, entry: &Entry) -> Option<Held> {
        if !self.is_held(entry) {
            return None;
        }
        let key = entry.key().to_owned();
        Some(Held { key, value: entry.record.value()?, deadline_ms: entry.record.deadline().ms() })
    }

    fn is_held(&self, entry: &Entry) -> bool {
        entry.marks.has(Marks::RESIDENT)
            && entry.record.has_value()
            && entry.is_alive(|| self.clock.now_ms())
    }
}
