//! Wakes a worker thread, from any thread. A repeated wake is cheap, and none is lost.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};

/// Wakes the one thread that waits with it. Clones are the same waker.
///
/// The invariant: *work that is published before a wake is seen by a check for work that
/// begins after the next [`wait`](Self::wait) returns.* It holds because `wait` clears
/// `is_woken` before it returns, so before that check and never after it.
///
/// A wake that finds `is_woken` set returns after one relaxed load. That is sound only if
/// the work is published under a lock that the check takes too, or by a read-modify-write
/// on a variable that the check also modifies so. If a check misses the work, the check
/// held the lock first. Then `is_woken` was cleared before the wake, and the wake does
/// not find it set.
///
/// No wake is lost between the moment when `wait` registers its thread and the moment when
/// it parks. Both sides swap `is_woken`. If the waiter's swap is first, the wake reads the
/// value that it wrote, so the wake also sees the registered thread and unparks it. If the
/// waiter's swap is second, it finds `is_woken` set and does not park.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_woken: AtomicBool,
    /// The waiting thread; set by its first wait.
    thread: OnceLock<Thread>,
}

impl Waker {
    /// A waker that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the waiting thread. If it is not waiting, its next wait returns at once.
    pub fn wake(&self) {
        let Inner { is_woken, thread } = &*self.0;
        if is_woken.load(Ordering::Relaxed) || is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(thread) = thread.get() {
            thread.unpark();
        }
    }

    /// Waits until there has been a wake since the last wait returned, or `limit` has passed.
    /// Returns whether there was a wake. Only one thread may ever call this.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let Inner { is_woken, thread } = &*self.0;
        thread.get_or_init(thread::current);
        let until = limit.map(|limit| Instant::now() + limit);
        // Parking may end spuriously.
        while !is_woken.swap(false, Ordering::AcqRel) {
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return false,
                Some(rest) => thread::park_timeout(rest),
            }
        }
        true
    }
}
