//! The tap: who is told what happens to a sample of the keys.
//!
//! A listener has a queue of its own, of fixed length. The invariants:
//!
//! * An operation on a key that nobody listens to costs one relaxed load and one branch.
//! * An operation on a sampled key never waits and takes no lock: it pushes to a bounded
//!   lock-free queue. If the queue is full, the access is dropped and counted as lost.
//! * A removal is not lost: it takes the place of the oldest access in a full queue. Where that
//!   can't be done, the listener is told later that all keys were dropped. So a listener may
//!   believe that less is there than there is, but never more.
//! * The sample is chosen by the hash: a listener is told all accesses of a key, or none.
//! * The accesses of one shard's keys are told in the order in which they took effect where
//!   they change the store, because they are pushed under the shard's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use crossbeam_queue::ArrayQueue;
use parking_lot::Mutex;

use super::packed::{Cost, Deadline};

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessKind {
    /// A get found it.
    Hit,
    /// A get did not find it, on the node that holds it.
    Miss,
    /// A value came from the source or from another node, or the source has no such key.
    Loaded,
    /// A value was set.
    Set,
    /// It was removed, or this node lost it.
    Removed,
    /// All keys of the group were dropped. The other fields mean nothing then.
    Cleared,
}

impl AccessKind {
    /// Whether something is gone after it.
    fn removes(self) -> bool {
        matches!(self, Self::Removed | Self::Cleared)
    }
}

/// One operation on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What happened.
    pub kind: AccessKind,
    /// The hash of the key that policies see.
    pub hash: u64,
    /// Bytes charged for the entry; 0 if there is none, as in a miss.
    pub weight: u32,
    /// Microseconds that the value took to load; 0 if it was set.
    pub cost_us: u32,
    /// When the entry expires on the store's clock; `None` if it never does.
    pub deadline_ms: Option<u64>,
    /// The key, for a listener that wants keys.
    pub key: Option<Box<str>>,
}

/// An access without its key, as it waits. With the queue's own word it takes half a cache
/// line: an operation has to get that line from the processor that took the last access there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) hash: u64,
    pub(super) weight: u32,
    pub(super) deadline: Deadline,
    pub(super) cost: Cost,
    pub(super) kind: AccessKind,
}

const _: () = assert!(size_of::<Told>() == 24);

impl Told {
    /// All keys were dropped.
    pub(super) fn cleared() -> Self {
        let (deadline, cost) = (Deadline::NEVER, Cost::new(0));
        Self { hash: 0, weight: 0, deadline, cost, kind: AccessKind::Cleared }
    }

    pub(super) fn with_key(self, key: Option<Box<str>>) -> Access {
        let Self { hash, weight, deadline, cost, kind } = self;
        Access { kind, hash, weight, cost_us: cost.us(), deadline_ms: deadline.ms(), key }
    }
}

/// A sample of the keys, chosen by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// A key belongs to it if the kept part of its hash is below this.
    below: u32,
}

impl Sample {
    /// A `share` of all keys, from above 0 to 1. At 1 a key is missing with odds of one to
    /// four billion.
    #[must_use]
    pub fn of(share: f64) -> Self {
        // The cast saturates.
        Self { below: ((share * f64::from(u32::MAX)) as u32).max(1) }
    }

    /// The share of all keys that it has.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.below) / f64::from(u32::MAX)
    }
}

/// The listeners of a store.
#[derive(Debug, Default)]
pub(super) struct Tap {
    /// The largest `below` of a listener; 0 without one.
    below: AtomicU32,
    /// Replaced as a whole.
    listeners: ArcSwap<Vec<Arc<Listener>>>,
    /// Held while the two fields above are replaced.
    changing: Mutex<()>,
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) sample: Sample,
    pub(super) queue: Queue,
    /// Accesses that found the queue full, or made room for a removal.
    pub(super) lost: AtomicU64,
    /// A removal was lost, of which the listener is not told yet.
    pub(super) has_lost_removal: AtomicBool,
}

/// The accesses that wait to be taken. Few listeners want keys, which each take an allocation.
#[derive(Debug)]
pub(super) enum Queue {
    Hashes(ArrayQueue<Told>),
    Keys(ArrayQueue<(Told, Box<str>)>),
}

impl Queue {
    /// Whether there was room.
    fn push(&self, told: Told, key: &str) -> bool {
        match self {
            Self::Hashes(queue) => queue.push(told).is_ok(),
            Self::Keys(queue) => queue.push((told, key.into())).is_ok(),
        }
    }

    /// Adds a removal, for which the oldest of a full queue make room. Returns how many are lost
    /// by that, and whether the last of them is a removal.
    fn push_removal(&self, told: Told, key: &str) -> (u64, bool) {
        match self {
            Self::Hashes(queue) => push_removal(queue, told, |told| told.kind),
            Self::Keys(queue) => push_removal(queue, (told, key.into()), |(told, _)| told.kind),
        }
    }

    pub(super) fn pop(&self) -> Option<Access> {
        match self {
            Self::Hashes(queue) => queue.pop().map(|told| told.with_key(None)),
            Self::Keys(queue) => queue.pop().map(|(told, key)| told.with_key(Some(key))),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Hashes(queue) => queue.len(),
            Self::Keys(queue) => queue.len(),
        }
    }
}

/// Removals that may be displaced by one before it is given up.
const TRIES: u64 = 8;

fn push_removal<T>(
    queue: &ArrayQueue<T>,
    mut waiting: T,
    kind: impl Fn(&T) -> AccessKind,
) -> (u64, bool) {
    for displaced_before in 0..TRIES {
        let Some(displaced) = queue.force_push(waiting) else { return (displaced_before, false) };
        if !kind(&displaced).removes() {
            return (displaced_before + 1, false);
        }
        // It is told later than it happened, which makes less be there, not more.
        waiting = displaced;
    }
    (TRIES, true)
}

impl Listener {
    pub(super) fn new(sample: Sample, room: usize, wants_keys: bool) -> Self {
        let queue = match wants_keys {
            true => Queue::Keys(ArrayQueue::new(room)),
            false => Queue::Hashes(ArrayQueue::new(room)),
        };
        let (lost, has_lost_removal) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { sample, queue, lost, has_lost_removal }
    }

    fn push(&self, told: Told, key: &str) {
        if !told.kind.removes() {
            if !self.queue.push(told, key) {
                self.lost.fetch_add(1, Relaxed);
            }
            return;
        }
        let (lost, is_removal_lost) = self.queue.push_removal(told, key);
        if lost > 0 {
            self.lost.fetch_add(lost, Relaxed);
        }
        if is_removal_lost {
            self.has_lost_removal.store(true, Relaxed);
        }
    }
}

impl Tap {
    /// Whether there may be a listener for the key with this kept part of its hash.
    #[inline]
    pub(super) fn samples(&self, kept: u32) -> bool {
        kept < self.below.load(Relaxed)
    }

    /// Tells all who listen to the key with this kept part of its hash.
    pub(super) fn push(&self, kept: u32, key: &str, told: Told) {
        for listener in self.listeners.load().iter() {
            if told.kind == AccessKind::Cleared || kept < listener.sample.below {
                listener.push(told, key);
            }
        }
    }

    /// Number of listeners.
    pub(super) fn listeners(&self) -> usize {
        self.listeners.load().len()
    }

    /// Changes who listens.
    pub(super) fn change(&self, change: impl FnOnce(&mut Vec<Arc<Listener>>)) {
        let _changing = self.changing.lock();
        let mut listeners = self.listeners.load().to_vec();
        change(&mut listeners);
        let below = listeners.iter().map(|listener| listener.sample.below).max();
        self.listeners.store(Arc::new(listeners));
        self.below.store(below.unwrap_or(0), Relaxed);
    }
}
