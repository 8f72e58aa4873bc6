//! What `host/sync.rs` offers, with shuttle deciding who runs next.

use shuttle::sync;
use std::ops::{Deref, DerefMut};

pub use shuttle::sync::atomic;
pub use shuttle::thread;

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
