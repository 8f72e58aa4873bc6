//! What `host/sync.rs` offers, with shuttle deciding who runs next.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync;
use shuttle::thread;

pub use shuttle::sync::atomic;

/// A lock with the signatures of `parking_lot`.
#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// Holds a lock until dropped.
pub struct MutexGuard<'a, T> {
    lock: &'a sync::Mutex<T>,
    /// `None` only while a condition variable waits.
    held: Option<sync::MutexGuard<'a, T>>,
}

fn locked<T>(lock: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    lock.lock().expect("no poisoning: a panic ends the model")
}

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { lock: &self.0, held: Some(locked(&self.0)) }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("held")
    }
}

/// A condition variable with the signatures of `parking_lot`.
#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

/// Whether a wait ended by its time.
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("held");
        guard.held = Some(self.0.wait(held).expect("no poisoning"));
    }

    /// Times pass as chance wants it; shuttle itself has no clock.
    pub fn wait_until<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        _until: Instant,
    ) -> WaitTimeoutResult {
        if thread_rng().gen_bool(0.5) {
            self.wait(guard);
            return WaitTimeoutResult(false);
        }
        drop(guard.held.take());
        thread::yield_now();
        guard.held = Some(locked(guard.lock));
        WaitTimeoutResult(true)
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
