//! One load per key at a time, shared by all callers; the result of a load that a removal
//! overtook is not kept.
//!
//! A *flight* is one load and its waiters. **A flight may keep its result only while it
//! is in the table.** It enters when its first caller joins, before the load begins. It
//! leaves when it lands, is interrupted, is lost, or its last waiter leaves, whichever
//! comes first. All of these happen under the lock of the key's shard.
//!
//! *The result of a load that began before a remove, set or clear was called is not kept
//! after that call has returned.* The flight of such a load entered the table before the
//! call. The change takes the flight out and changes the store under one lock
//! ([`Flights::interrupt`]). The load commits under the same lock, and only if its flight
//! is still in the table ([`Load::land`]). If the load comes first, the change drops its
//! result. If the change comes first, the load finds its flight gone and keeps nothing.
//! Its waiters still get its answer, because they asked before the change had ended.
//!
//! Nothing here knows what is loaded, how, or on which runtime.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hashbrown::HashTable;

use crate::sync::Mutex;

const SHARDS: usize = 64;

/// The running loads of one group. Each ends with a `T`, and carries a label that its
/// waiters can read.
pub(crate) struct Flights<T, L = ()> {
    /// Flights by key. Sharded, because every miss takes a lock here. A lock is never
    /// held across an await, and is taken before any lock of the store.
    shards: [Mutex<Shard<T, L>>; SHARDS],
}

type Shard<T, L> = HashTable<Arc<Flight<T, L>>>;

struct Flight<T, L> {
    key: Box<str>,
    hash: u64,
    label: L,
    /// Locked alone or inside the lock of the shard, never around it.
    state: Mutex<FlightState<T>>,
}

struct FlightState<T> {
    /// Number of callers that wait. It changes only under the shard's lock, so that no
    /// caller joins a flight while its last waiter leaves.
    waiters: usize,
    outcome: Option<Result<T, Lost>>,
    /// One slot for each waiter that was polled; `None` once the waiter has left.
    wakers: Vec<Option<Waker>>,
    /// Wakes the load when its last waiter has left.
    pilot: Option<Waker>,
}

/// The load ended without an answer: it panicked or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// What the caller must do.
pub(crate) enum Joined<T, L = ()> {
    /// Nothing: the answer was found under the lock.
    Ready(T),
    /// Start the load as a separate task, and wait for it like the other callers.
    Leader(Load<T, L>, Waiter<T, L>),
    /// Wait.
    Follower(Waiter<T, L>),
}

impl<T, L> Flights<T, L> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { shards: std::array::from_fn(|_| Mutex::new(HashTable::new())) })
    }

    /// Joins the flight of `key`, or starts one and labels it. `recheck` looks once more
    /// for an answer that needs no flight. `recheck` and `label` run under the lock of
    /// the shard.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &str,
        hash: u64,
        recheck: impl FnOnce() -> Option<T>,
        label: impl FnOnce() -> L,
    ) -> Joined<T, L> {
        let mut shard = self.shard(hash).lock();
        if let Some(flight) = shard.find(hash, |flight| *flight.key == *key) {
            flight.state.lock().waiters += 1;
            return Joined::Follower(Waiter::new(self, flight));
        }
        // 1. This caller misses in the store. 2. Another caller's flight lands, and
        // leaves the table. 3. This caller finds no flight. Without a second check it
        // would load the value again.
        if let Some(answer) = recheck() {
            return Joined::Ready(answer);
        }
        let flight = Arc::new(Flight {
            key: key.into(),
            hash,
            label: label(),
            state: Mutex::new(FlightState {
                waiters: 1,
                outcome: None,
                wakers: Vec::new(),
                pilot: None,
            }),
        });
        shard.insert_unique(hash, Arc::clone(&flight), |flight| flight.hash);
        let waiter = Waiter::new(self, &flight);
        Joined::Leader(Load { flights: Arc::clone(self), flight, ended: false }, waiter)
    }

    /// Runs `change`, which drops or replaces the entry of `key`, so that no running load
    /// can undo it. The key's flight can't keep its answer any more, and the next caller
    /// starts a new flight.
    pub(crate) fn interrupt<R>(&self, key: &str, hash: u64, change: impl FnOnce() -> R) -> R {
        let mut shard = self.shard(hash).lock();
        if let Ok(entry) = shard.find_entry(hash, |flight| *flight.key == *key) {
            entry.remove();
        }
        change()
    }

    /// Runs `look` under the lock of the key's shard, so that no change of the key and no
    /// landing of its load runs meanwhile.
    pub(crate) fn undisturbed<R>(&self, hash: u64, look: impl FnOnce() -> R) -> R {
        let _shard = self.shard(hash).lock();
        look()
    }

    /// Runs `change`, which drops all entries, so that no running load can undo it.
    pub(crate) fn interrupt_all<R>(&self, change: impl FnOnce() -> R) -> R {
        // All flights leave the table before `change` begins, so it drops all that they
        // have kept. A flight that starts meanwhile began after this call.
        for shard in &self.shards {
            shard.lock().clear();
        }
        change()
    }

    /// Flights in the table.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard<T, L>> {
        // High bits, because the table inside selects its buckets by the low ones.
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

fn take_out<T, L>(shard: &mut Shard<T, L>, flight: &Arc<Flight<T, L>>) -> bool {
    match shard.find_entry(flight.hash, |other| Arc::ptr_eq(other, flight)) {
        Ok(entry) => {
            entry.remove();
            true
        }
        Err(_) => false,
    }
}

/// The load's side of a flight. Dropping it before it landed, for example on a panic,
/// answers the waiters with [`Lost`].
#[must_use]
pub(crate) struct Load<T, L = ()> {
    flights: Arc<Flights<T, L>>,
    flight: Arc<Flight<T, L>>,
    ended: bool,
}

impl<T, L> Load<T, L> {
    /// Answers all waiters. Unless the flight was interrupted, it runs `commit` before
    /// that, which keeps the answer. Returns whether `commit` ran. `commit` runs under
    /// the lock of the shard: it must be short and must not wait.
    pub(crate) fn land(mut self, answer: T, commit: impl FnOnce()) -> bool {
        let kept = self.end(Ok(answer), commit);
        self.ended = true;
        kept
    }

    /// Returns once this flight has no waiters, so that the load can be cancelled.
    pub(crate) fn abandoned(&self) -> impl Future<Output = ()> {
        poll_fn(|context| {
            let mut state = self.flight.state.lock();
            if state.waiters == 0 {
                return Poll::Ready(());
            }
            state.pilot = Some(context.waker().clone());
            Poll::Pending
        })
    }

    /// From now on the load goes on without waiters, and callers can still join it.
    pub(crate) fn go_on(&self) {
        let _shard = self.flights.shard(self.flight.hash).lock();
        // The load counts as one of its waiters. If the last one has just left, nobody can
        // join the flight any more, and it keeps nothing.
        self.flight.state.lock().waiters += 1;
    }

    fn end(&self, outcome: Result<T, Lost>, commit: impl FnOnce()) -> bool {
        let mut shard = self.flights.shard(self.flight.hash).lock();
        let kept = take_out(&mut shard, &self.flight);
        if kept {
            commit();
        }
        drop(shard);
        // Nobody can join any more, so the shard need not be locked for this.
        let mut state = self.flight.state.lock();
        state.outcome = Some(outcome);
        let wakers = mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        kept
    }
}

impl<T, L> Drop for Load<T, L> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(Lost), || ());
        }
    }
}

/// A caller's side of a flight: a future of the answer. Dropping it leaves the flight.
/// When the last waiter leaves, the load is cancelled, unless it is to [go on](Load::go_on).
#[must_use]
pub(crate) struct Waiter<T, L = ()> {
    flights: Arc<Flights<T, L>>,
    flight: Arc<Flight<T, L>>,
    /// The index of this waiter's waker, once it was polled.
    place: Option<usize>,
    answered: bool,
}

impl<T, L> Waiter<T, L> {
    fn new(flights: &Arc<Flights<T, L>>, flight: &Arc<Flight<T, L>>) -> Self {
        let (flights, flight) = (Arc::clone(flights), Arc::clone(flight));
        Self { flights, flight, place: None, answered: false }
    }

    /// The label of the flight that this waits for.
    pub(crate) fn label(&self) -> &L {
        &self.flight.label
    }
}

impl<T: Clone, L> Future for Waiter<T, L> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = this.flight.state.lock();
        if let Some(outcome) = &state.outcome {
            this.answered = true;
            return Poll::Ready(outcome.clone());
        }
        let waker = context.waker().clone();
        match this.place {
            Some(place) => state.wakers[place] = Some(waker),
            None => {
                this.place = Some(state.wakers.len());
                state.wakers.push(Some(waker));
            }
        }
        Poll::Pending
    }
}

impl<T, L> Drop for Waiter<T, L> {
    fn drop(&mut self) {
        // The flight has ended, so the number of its waiters does not matter. This spares
        // 1,000 answered callers the queue for the lock of the shard.
        if self.answered {
            return;
        }
        let mut shard = self.flights.shard(self.flight.hash).lock();
        let mut state = self.flight.state.lock();
        state.waiters -= 1;
        if let Some(waker) = self.place.and_then(|place| state.wakers.get_mut(place)) {
            *waker = None;
        }
        if state.waiters > 0 || state.outcome.is_some() {
            return;
        }
        // 1. The last waiter leaves. 2. A new caller joins. 3. The load sees that it has
        // no waiters, and stops. The new caller would get no answer, so the flight leaves
        // the table under the same lock.
        let pilot = state.pilot.take();
        drop(state);
        take_out(&mut shard, &self.flight);
        drop(shard);
        pilot.into_iter().for_each(Waker::wake);
    }
}
