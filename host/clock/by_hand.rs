//! A clock that is moved by hand, and the tasks that sleep on it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::sync::Mutex;

/// A clock whose time changes only when it is moved.
#[derive(Clone, Debug)]
pub(super) struct ByHand(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    now_ms: AtomicU64,
    next_ticket: AtomicU64,
    /// The wakers, ordered by due time and then by arrival. The lock is held only to insert
    /// or remove one.
    sleepers: Mutex<BTreeMap<(u64, u64), Waker>>,
}

/// An entry in `sleepers`, removed when this is dropped.
struct Bed<'a> {
    shared: &'a Shared,
    place: (u64, u64),
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.shared.sleepers.lock().remove(&self.place);
    }
}

impl ByHand {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            now_ms: AtomicU64::new(1),
            next_ticket: AtomicU64::new(0),
            sleepers: Mutex::default(),
        }))
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.0.now_ms.load(Ordering::Relaxed)
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let due_ms = self.now_ms().saturating_add(ms);
        let ticket = self.0.next_ticket.fetch_add(1, Ordering::Relaxed);
        let bed = Bed { shared: &self.0, place: (due_ms, ticket) };
        poll_fn(|context| {
            let mut sleepers = self.0.sleepers.lock();
            if self.now_ms() >= due_ms {
                return Poll::Ready(());
            }
            sleepers.insert(bed.place, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    pub(super) fn next_due_ms(&self) -> Option<u64> {
        self.0.sleepers.lock().keys().next().map(|(due_ms, _)| *due_ms)
    }

    pub(super) fn advance(&self, ms: u64) {
        let mut sleepers = self.0.sleepers.lock();
        let now_ms = self.0.now_ms.fetch_add(ms, Ordering::Relaxed) + ms;
        let later = sleepers.split_off(&(now_ms + 1, 0));
        let due = std::mem::replace(&mut *sleepers, later);
        drop(sleepers);
        due.into_values().for_each(Waker::wake);
    }
}
