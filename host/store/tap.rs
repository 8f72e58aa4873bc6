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

impl Access {
    /// All keys were dropped.
    pub(super) fn cleared() -> Self {
        let (kind, deadline_ms, key) = (AccessKind::Cleared, None, None);
        Self { kind, hash: 0, weight: 0, cost_us: 0, deadline_ms, key }
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
    wants_keys: bool,
    pub(super) queue: ArrayQueue<Access>,
    /// Accesses that found the queue full, or made room for a removal.
    pub(super) lost: AtomicU64,
    /// A removal was lost, of which the listener is not told yet.
    pub(super) has_lost_removal: AtomicBool,
}

/// Removals that may be displaced by one before it is given up.
const TRIES: usize = 8;

impl Listener {
    pub(super) fn new(sample: Sample, room: usize, wants_keys: bool) -> Self {
        Self {
            sample,
            wants_keys,
            queue: ArrayQueue::new(room),
            lost: AtomicU64::new(0),
            has_lost_removal: AtomicBool::new(false),
        }
    }

    fn push(&self, access: Access) {
        if !access.kind.removes() {
            if self.queue.push(access).is_err() {
                self.lost.fetch_add(1, Relaxed);
            }
            return;
        }
        let mut waiting = access;
        for _ in 0..TRIES {
            let Some(displaced) = self.queue.force_push(waiting) else { return };
            self.lost.fetch_add(1, Relaxed);
            if !displaced.kind.removes() {
                return;
            }
            // It is told later than it happened, which makes less be there, not more.
            waiting = displaced;
        }
        self.has_lost_removal.store(true, Relaxed);
    }
}

impl Tap {
    /// Whether there may be a listener for the key with this kept part of its hash.
    #[inline]
    pub(super) fn samples(&self, kept: u32) -> bool {
        kept < self.below.load(Relaxed)
    }

    /// Tells all who listen to the key with this kept part of its hash.
    pub(super) fn push(&self, kept: u32, key: &str, access: &Access) {
        for listener in self.listeners.load().iter() {
            if access.kind == AccessKind::Cleared || kept < listener.sample.below {
                let key = listener.wants_keys.then(|| key.into());
                listener.push(Access { key, ..access.clone() });
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
