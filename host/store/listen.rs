//! Listening to a store, and telling what happens to its keys; the rules are those of `tap`.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use super::packed::{Cost, Deadline};
use super::record::Record;
use super::sharded::{Store, kept};
use super::tap::{Access, AccessKind, Listener, Sample, Told};

impl Store {
    /// Tells the accesses of a sample from now on. At most `room` of them wait to be taken.
    #[must_use]
    pub fn listen(self: &Arc<Self>, sample: Sample, room: usize, wants_keys: bool) -> Listening {
        let listener = Arc::new(Listener::new(sample, room, wants_keys));
        self.tap.change(|listeners| listeners.push(Arc::clone(&listener)));
        Listening { store: Arc::downgrade(self), listener }
    }

    /// Number of those who listen.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.tap.listeners()
    }

    /// Tells of a get that found nothing, on the node that holds the key.
    pub fn missed(&self, key: &str, hash: u64) {
        if self.tap.samples(kept(hash)) {
            self.tell(AccessKind::Miss, key, hash, None);
        }
    }

    /// Tells of an access to the key with the full hash `hash`.
    #[cold]
    pub(super) fn tell(&self, kind: AccessKind, key: &str, hash: u64, record: Option<&Record>) {
        let bits = self.shards.len().ilog2();
        let shard = hash & (self.shards.len() as u64 - 1);
        self.tell_of(kind, key, (kept(hash), u64::from(kept(hash)) << bits | shard), record);
    }

    /// The same, with the kept part of the hash and the hash that policies see.
    pub(super) fn tell_of(
        &self,
        kind: AccessKind,
        key: &str,
        (kept, hash): (u32, u64),
        record: Option<&Record>,
    ) {
        let weight = record.map_or(0, |record| u32::try_from(record.weight()).unwrap_or(u32::MAX));
        let cost = record.map_or(Cost::new(0), Record::cost);
        let deadline = record.map_or(Deadline::NEVER, Record::deadline);
        self.tap.push(kept, key, Told { hash, weight, deadline, cost, kind });
    }

    /// Tells every listener that all keys were dropped.
    pub(super) fn tell_cleared(&self) {
        self.tap.push(0, "", Told::cleared());
    }
}

/// A listener's end of its queue. Dropping it ends the listening.
#[derive(Debug)]
pub struct Listening {
    /// Weak, so that a group that is dropped ends its listeners and not the other way round.
    store: Weak<Store>,
    listener: Arc<Listener>,
}

impl Listening {
    /// The oldest access that was not taken yet.
    #[must_use]
    pub fn take(&self) -> Option<Access> {
        match self.listener.queue.pop() {
            // What the queue had room for is over, and so is what was before the removal.
            None if self.listener.has_lost_removal.swap(false, Relaxed) => {
                Some(Told::cleared().with_key(None))
            }
            access => access,
        }
    }

    /// Number of accesses that wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.listener.queue.len()
    }

    /// Number of accesses that found the queue full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.listener.lost.load(Relaxed)
    }

    /// Which keys it is told of.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.listener.sample
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(store) = self.store.upgrade() {
            store.tap.change(|all| all.retain(|other| !Arc::ptr_eq(other, &self.listener)));
        }
    }
}
