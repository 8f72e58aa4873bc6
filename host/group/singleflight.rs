//! One load per key at a time, however many callers ask for it, and none kept
//! that a removal overtook.
//!
//! A *flight* is one load and those who wait for it. **Being in the table is a
//! flight's permission to keep what it loads.** It enters when its first caller
//! joins, before the load begins, and it is taken out by whatever comes first: it
//! lands, it is interrupted, its last waiter leaves, or it is lost. All of these
//! happen under the lock of the key's shard.
//!
//! *No load that began before a remove, set or clear was called is kept after
//! that returned.* Such a load's flight entered the table before. The removal
//! takes it out and changes the store under one lock ([`Flights::interrupt`]); the
//! load commits under the same lock, and only if it is in the table still
//! ([`Load::land`]). Either the load was first, and the removal drops what it
//! kept; or the removal was, and the load finds itself gone. Those who wait for it
//! get its answer all the same: they asked before the removal had ended.
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

/// The loads of one group that are under way. Each ends with a `T`, and carries a
/// label by which those who join know it.
pub(crate) struct Flights<T, L = ()> {
    /// Keys in flight. Sharded, because every miss locks here; never held across
    /// an await, and outside of every lock of the store.
    shards: [Mutex<Shard<T, L>>; SHARDS],
}

type Shard<T, L> = HashTable<Arc<Flight<T, L>>>;

struct Flight<T, L> {
    key: Box<str>,
    hash: u64,
    label: L,
    /// Locked by itself or inside the lock of the shard, never around that.
    state: Mutex<FlightState<T>>,
}

struct FlightState<T> {
    /// Callers who want the answer. Changes only under the shard's lock, so that
    /// nobody joins a flight while its last waiter leaves.
    waiters: usize,
    outcome: Option<Result<T, Lost>>,
    /// One place for each waiter that was polled, empty once it left.
    wakers: Vec<Option<Waker>>,
    /// Wakes the load when nobody waits for it any more.
    pilot: Option<Waker>,
}

/// The load ended without an answer: it panicked or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// What a caller has to do.
pub(crate) enum Joined<T, L = ()> {
    /// Nothing: the answer was there when the lock was had.
    Ready(T),
    /// Start the load, apart from itself, and wait for it like everybody.
    Leader(Load<T, L>, Waiter<T, L>),
    /// Wait.
    Follower(Waiter<T, L>),
}

impl<T, L> Flights<T, L> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { shards: std::array::from_fn(|_| Mutex::new(HashTable::new())) })
    }

    /// Joins the flight of `key`, or starts one and labels it. `recheck` looks once
    /// more for an answer that needs no flight; both run under the lock of the shard.
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
        // 1. This caller misses in the store. 2. Another's flight lands there, and
        // leaves the table. 3. This caller comes here and finds no flight. Without
        // a second look it would load what was loaded just now.
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

    /// Runs `change`, which drops or replaces what is kept of `key`, so that no
    /// load under way can undo it: the key's flight may not keep its answer any
    /// more, and whoever joins from now on starts a new one.
    pub(crate) fn interrupt<R>(&self, key: &str, hash: u64, change: impl FnOnce() -> R) -> R {
        let mut shard = self.shard(hash).lock();
        if let Ok(entry) = shard.find_entry(hash, |flight| *flight.key == *key) {
            entry.remove();
        }
        change()
    }

    /// Runs `look` while no change of the key, and no landing of its load, runs.
    pub(crate) fn undisturbed<R>(&self, hash: u64, look: impl FnOnce() -> R) -> R {
        let _shard = self.shard(hash).lock();
        look()
    }

    /// Runs `change`, which drops everything that is kept, so that no load under
    /// way can undo it.
    pub(crate) fn interrupt_all<R>(&self, change: impl FnOnce() -> R) -> R {
        // All flights are out before `change` begins, so what they kept is there
        // for it to drop. One that starts meanwhile began after this was called.
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
        // Bits that the table inside looks at last.
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

/// The load's side of a flight. Dropping it, on a panic say, answers those who
/// wait with [`Lost`].
#[must_use]
pub(crate) struct Load<T, L = ()> {
    flights: Arc<Flights<T, L>>,
    flight: Arc<Flight<T, L>>,
    ended: bool,
}

impl<T, L> Load<T, L> {
    /// Answers all who wait, and runs `commit`, which keeps the answer, unless the
    /// flight was interrupted. Tells whether it was kept. `commit` runs under the
    /// lock of the shard: it must be short and must not wait.
    pub(crate) fn land(mut self, answer: T, commit: impl FnOnce()) -> bool {
        let kept = self.end(Ok(answer), commit);
        self.ended = true;
        kept
    }

    /// Returns once nobody waits for this flight: the load may be given up.
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

/// A caller's side of a flight: a future of the answer. Dropping it leaves the
/// flight, and the last one to leave gives the load up.
#[must_use]
pub(crate) struct Waiter<T, L = ()> {
    flights: Arc<Flights<T, L>>,
    flight: Arc<Flight<T, L>>,
    /// Where this waiter's waker is kept, once it was polled.
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
        // The flight is over, so nobody counts its waiters: 1,000 answered callers
        // need not queue for the lock of the shard.
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
        // 1. The last waiter leaves. 2. A new caller joins. 3. The load sees that
        // nobody waits, and stops. The new caller would be left without an answer,
        // if the flight were still there to be joined.
        let pilot = state.pilot.take();
        drop(state);
        take_out(&mut shard, &self.flight);
        drop(shard);
        pilot.into_iter().for_each(Waker::wake);
    }
}
