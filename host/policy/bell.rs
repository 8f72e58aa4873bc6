//! How a lane is woken: rung from any thread, cheap when it has rung already,
//! never lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex};

/// Nobody has rung since the lane last looked, and the lane is awake.
const QUIET: u8 = 0;
/// The same, and the lane sleeps: who rings must wake it.
const WAITING: u8 = 1;
/// Somebody has rung; ringing again changes nothing.
const RUNG: u8 = 2;

/// Wakes the one thread that waits on it. Clones are the same bell.
///
/// The invariant: *work that was published before a ring is seen by a look that
/// begins after that ring's wait returned.* It holds because [`wait`](Self::wait)
/// makes the bell quiet before the lane looks, and never after.
///
/// A ring that finds the bell rung returns after one relaxed load, which is
/// sound only for work published under a lock that the look takes too (or by a
/// read-modify-write that the look repeats). Were such work missed, then the
/// look's turn with the lock came first, so making the bell quiet happened
/// before the ring, and the ring could not have found it rung.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Rope>);

#[derive(Debug, Default)]
struct Rope {
    state: AtomicU8,
    /// Guards the way to sleep: held from the decision to sleep until asleep, so
    /// that a ring in between waits and is not missed.
    door: Mutex<()>,
    woken: Condvar,
}

impl Bell {
    /// A quiet bell.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the waiting thread, or lets its next wait return at once.
    pub fn ring(&self) {
        let Rope { state, door, woken } = &*self.0;
        if state.load(Ordering::Relaxed) == RUNG {
            return;
        }
        if state.swap(RUNG, Ordering::AcqRel) == WAITING {
            drop(door.lock());
            woken.notify_one();
        }
    }

    /// Returns when the bell has been rung since the last wait returned, or
    /// `limit` has passed, and makes it quiet. For one thread at a time. Answers
    /// whether it was rung.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let Rope { state, door, woken } = &*self.0;
        let until = limit.map(|limit| Instant::now() + limit);
        let mut asleep = door.lock();
        let to_sleep = state.compare_exchange(QUIET, WAITING, Ordering::AcqRel, Ordering::Acquire);
        if to_sleep.is_ok() {
            while state.load(Ordering::Acquire) == WAITING {
                match until {
                    None => woken.wait(&mut asleep),
                    Some(until) if woken.wait_until(&mut asleep, until).timed_out() => break,
                    Some(_) => {}
                }
            }
        }
        state.swap(QUIET, Ordering::AcqRel) == RUNG
    }
}
