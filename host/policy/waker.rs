//! How a worker's thread is woken: from any thread, cheap when it has been woken already,
//! never lost.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};

/// Wakes the one thread that waits with it. Clones are the same waker.
///
/// The invariant: *work that was published before a wake is seen by a look that begins
/// after the next wait returned.* It holds because [`wait`](Self::wait) takes `is_woken`
/// back before it returns, so before that look, and never after it.
///
/// A wake that finds `is_woken` set returns after one relaxed load. That is sound only for
/// work published under a lock that the look takes too (or by a read-modify-write that the
/// look repeats). Were such work missed, then the look's turn with the lock came first, so
/// `is_woken` was taken back before the wake, which could not have found it set.
///
/// No wake is lost between [`wait`](Self::wait) naming its thread and parking. Both sides
/// swap `is_woken`. If the waiter's swap is first, the wake reads what it wrote, and so sees
/// the thread, which it unparks. If it is second, it finds `is_woken` set.
#[derive(Clone, Debug, Default)]
pub struct Waker(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_woken: AtomicBool,
    /// Who waits; set by its first wait.
    thread: OnceLock<Thread>,
}

impl Waker {
    /// A waker that was not used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the waiting thread, or lets its next wait return at once.
    pub fn wake(&self) {
        let Inner { is_woken, thread } = &*self.0;
        if is_woken.load(Ordering::Relaxed) || is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(thread) = thread.get() {
            thread.unpark();
        }
    }

    /// Returns when there was a wake since the last wait returned, or `limit` has passed.
    /// For one thread, always the same. Answers whether there was a wake.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let Inner { is_woken, thread } = &*self.0;
        thread.get_or_init(thread::current);
        let until = limit.map(|limit| Instant::now() + limit);
        // Parking may end without cause.
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
