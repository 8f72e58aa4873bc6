//! The loads that wait for a place: how many, and their keys where a batch may take them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::retriever::{Answer, FetchError};
use crate::sync::Mutex;

/// The most keys of a batch.
pub(super) const MOST_KEYS: usize = 128;

/// The most bytes of the keys of a batch.
const MOST_BYTES: usize = 32 << 10;

/// Where the answer of a load in a batch comes; `None`: the load is to be made by itself.
pub(super) type Taken = oneshot::Receiver<Option<Answer>>;

/// The loads that wait.
#[derive(Default)]
pub(super) struct Waiting {
    count: AtomicU32,
    /// By the order of their arrival. The lock is held to enter, to leave, and to take a batch
    /// out. Empty for a source that takes one key at a time.
    loads: Mutex<Loads>,
}

#[derive(Default)]
struct Loads {
    next: u64,
    by_arrival: BTreeMap<u64, WaitingLoad>,
}

/// A load that a batch may take.
pub(super) struct WaitingLoad {
    pub(super) key: Box<str>,
    pub(super) until: Instant,
    /// Tells the load that it was taken, and where its answer comes.
    pub(super) take: oneshot::Sender<Taken>,
}

/// A load that waits, for as long as this lives.
pub(super) struct Counted<'a>(&'a AtomicU32);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The place of a load among the waiting ones. Dropping it gives the place up.
pub(super) struct Entered<'a> {
    waiting: &'a Waiting,
    arrival: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.waiting.loads.lock().by_arrival.remove(&self.arrival);
    }
}

impl Waiting {
    /// Counts a load that has to wait.
    ///
    /// # Errors
    /// `limit` loads wait already.
    pub(super) fn count(&self, limit: u32) -> Result<Counted<'_>, FetchError> {
        let counted = Counted(&self.count);
        if self.count.fetch_add(1, Relaxed) >= limit {
            Err(FetchError::Full(limit))
        } else {
            Ok(counted)
        }
    }

    /// How many loads wait.
    pub(super) fn len(&self) -> u64 {
        self.count.load(Relaxed).into()
    }

    /// Lets batches take the load of `key`. The receiver is told when one does.
    pub(super) fn enter(
        &self,
        key: &str,
        until: Instant,
    ) -> (Entered<'_>, oneshot::Receiver<Taken>) {
        let (take, taken) = oneshot::channel();
        let mut loads = self.loads.lock();
        let arrival = loads.next;
        loads.next += 1;
        loads.by_arrival.insert(arrival, WaitingLoad { key: key.into(), until, take });
        (Entered { waiting: self, arrival }, taken)
    }

    /// Takes out a load, as the first, and with it the oldest of the others, as many as a batch
    /// may have. `None`: it was taken already.
    pub(super) fn take_with(&self, first: &Entered<'_>) -> Option<Vec<WaitingLoad>> {
        let mut loads = self.loads.lock();
        let mut taken = vec![loads.by_arrival.remove(&first.arrival)?];
        let mut bytes = taken[0].key.len();
        while taken.len() < MOST_KEYS
            && let Some(next) = loads.by_arrival.first_entry()
            && bytes + next.get().key.len() <= MOST_BYTES
        {
            bytes += next.get().key.len();
            taken.push(next.remove());
        }
        Some(taken)
    }
}
