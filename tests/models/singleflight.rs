//! Gets, removals, sets, cancels and failing loads of one key, in any order.
//!
//! The data source is a version that grows with every change. A get may answer
//! with any version that was current after it began: at least the one of the last
//! change that had returned by then.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::{block_on, spawn, yield_now};
use shuttle::sync::atomic::{AtomicU64, Ordering::SeqCst};
use shuttle::thread;

use crate::flights::{Flights, Joined, Load, Lost, Waiter};
use crate::sync::Mutex;

const KEY: &str = "Tom";
const HASH: u64 = 7;
const SCHEDULES: usize = 3_000;

/// How a load ends.
#[derive(Clone, Copy)]
enum Ending {
    /// As it should.
    Lands,
    /// By a panic: its side of the flight is dropped.
    IsLost,
    /// Never, unless it is given up.
    Hangs,
    /// As it should, even if nobody waits any more.
    GoesOn,
    /// Like the first, but it keeps its answer after the lock was let go.
    KeepsTooLate,
}

struct World {
    flights: Arc<Flights<u64>>,
    source: AtomicU64,
    /// The store.
    kept: Mutex<Option<u64>>,
    /// The version of the last change that returned.
    floor: AtomicU64,
    loads: AtomicU64,
    under_way: AtomicU64,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            flights: Flights::new(),
            source: AtomicU64::new(1),
            kept: Mutex::new(None),
            floor: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
        })
    }

    fn kept(&self) -> Option<u64> {
        *self.kept.lock()
    }

    fn keep(&self, version: Option<u64>) {
        *self.kept.lock() = version;
    }

    fn join(self: &Arc<Self>, ending: Ending) -> Result<u64, Waiter<u64>> {
        if let Some(version) = self.kept() {
            return Ok(version);
        }
        match self.flights.join(KEY, HASH, || self.kept(), || ()) {
            Joined::Ready(version) => Ok(version),
            Joined::Follower(waiter) => Err(waiter),
            Joined::Leader(load, waiter) => {
                self.under_way.fetch_add(1, SeqCst);
                spawn(Arc::clone(self).load(load, ending));
                Err(waiter)
            }
        }
    }

    async fn load(self: Arc<Self>, load: Load<u64>, ending: Ending) {
        self.loads.fetch_add(1, SeqCst);
        if matches!(ending, Ending::GoesOn) {
            load.go_on();
        }
        let version = self.source.load(SeqCst);
        yield_now().await;
        if matches!(ending, Ending::Hangs) {
            load.abandoned().await;
        }
        match ending {
            Ending::Lands | Ending::GoesOn => {
                load.land(version, || self.keep(Some(version)));
            }
            Ending::KeepsTooLate => {
                if load.land(version, || ()) {
                    self.keep(Some(version));
                }
            }
            Ending::IsLost | Ending::Hangs => drop(load),
        }
        // Last, so that what is kept too late is there to be looked at.
        self.under_way.fetch_sub(1, SeqCst);
    }

    /// A whole get. Its answer must not be older than the last change before it.
    fn get(self: &Arc<Self>, ending: Ending) -> Result<u64, Lost> {
        let floor = self.floor.load(SeqCst);
        let answer = self.join(ending).map_or_else(block_on, Ok);
        if let Ok(version) = answer {
            assert!(version >= floor, "stale: {version} after a change to {floor} returned");
        }
        answer
    }

    /// A get whose caller goes away after it began to wait.
    fn cancelled_get(self: &Arc<Self>, ending: Ending) {
        if let Err(waiter) = self.join(ending) {
            let mut waiter = pin!(waiter);
            block_on(poll_fn(|context| {
                let _ = waiter.as_mut().poll(context);
                Poll::Ready(())
            }));
        }
    }

    fn remove(&self) {
        let version = self.source.fetch_add(1, SeqCst) + 1;
        self.flights.interrupt(KEY, HASH, || self.keep(None));
        self.floor.fetch_max(version, SeqCst);
    }

    fn clear(&self) {
        let version = self.source.fetch_add(1, SeqCst) + 1;
        self.flights.interrupt_all(|| self.keep(None));
        self.floor.fetch_max(version, SeqCst);
    }

    fn set(&self) {
        let version = self.flights.interrupt(KEY, HASH, || {
            let version = self.source.fetch_add(1, SeqCst) + 1;
            self.keep(Some(version));
            version
        });
        self.floor.fetch_max(version, SeqCst);
    }

    fn nothing_is_left(self: &Arc<Self>) {
        // Loads that were given up end by themselves.
        while self.under_way.load(SeqCst) > 0 {
            thread::yield_now();
        }
        assert_eq!(self.flights.len(), 0, "a flight leaked");
        if let Some(version) = self.kept() {
            assert!(version >= self.floor.load(SeqCst), "stale: {version} is kept");
        }
    }
}

/// Runs each of `acts` in a thread of its own, under many schedules.
fn check(acts: &'static [fn(&Arc<World>)], after: fn(&Arc<World>)) {
    let model = move || {
        let world = World::new();
        let threads = acts.iter().map(|act| {
            let world = Arc::clone(&world);
            thread::spawn(move || act(&world))
        });
        for thread in threads.collect::<Vec<_>>() {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
        world.nothing_is_left();
        after(&world);
    };
    shuttle::check_random(model, SCHEDULES);
    shuttle::check_pct(model, SCHEDULES, 3);
}

fn answered(world: &Arc<World>) {
    world.get(Ending::Lands).expect("a load that lands answers everybody");
}

fn gone_on(world: &Arc<World>) {
    world.get(Ending::GoesOn).expect("a load that lands answers everybody");
}

fn left_behind(world: &Arc<World>) {
    world.cancelled_get(Ending::GoesOn);
}

fn kept_too_late(world: &Arc<World>) {
    let _ = world.get(Ending::KeepsTooLate);
}

fn lost(world: &Arc<World>) {
    let _ = world.get(Ending::IsLost);
}

fn removed(world: &Arc<World>) {
    world.remove();
}

fn set(world: &Arc<World>) {
    world.set();
}

fn cleared(world: &Arc<World>) {
    world.clear();
}

#[test]
fn callers_share_one_load() {
    check(&[answered, answered, answered], |world| {
        assert_eq!(world.loads.load(SeqCst), 1);
    });
}

#[test]
fn nothing_older_than_a_removal_is_kept() {
    check(&[answered, removed, answered, removed], |_| ());
}

#[test]
fn nothing_older_than_a_set_is_kept() {
    check(&[answered, set, answered, removed], |_| ());
}

#[test]
fn nothing_older_than_a_clear_is_kept() {
    check(&[answered, cleared, answered, set], |_| ());
}

#[test]
#[should_panic(expected = "stale")]
fn keeping_outside_of_the_lock_is_noticed() {
    check(&[kept_too_late, removed], |_| ());
}

#[test]
fn a_caller_who_leaves_costs_the_others_nothing() {
    check(&[|world| world.cancelled_get(Ending::Lands), answered, answered], |_| ());
}

#[test]
fn a_load_that_nobody_waits_for_is_given_up() {
    check(
        &[
            |world| world.cancelled_get(Ending::Hangs),
            |world| world.cancelled_get(Ending::Hangs),
            removed,
        ],
        |world| assert_eq!(world.kept(), None),
    );
}

#[test]
fn a_load_that_goes_on_is_joined_and_keeps_nothing_old() {
    check(&[left_behind, left_behind, left_behind, gone_on], |world| {
        assert!(world.loads.load(SeqCst) <= 4 && world.kept().is_some());
    });
    check(&[left_behind, removed, gone_on, set], |_| ());
}

#[test]
fn a_lost_load_answers_everybody_and_frees_the_key() {
    check(&[lost, lost, |world| world.cancelled_get(Ending::IsLost), removed], |world| {
        assert!(world.get(Ending::Lands).is_ok())
    });
}
