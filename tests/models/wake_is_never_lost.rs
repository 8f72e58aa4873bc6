//! Threads publish work under a lock and wake the waiter, which sees all of it and sleeps
//! for ever only when there is none: a lost wake is a deadlock here.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use crate::sync::Mutex;
use crate::waker::Waker;

const SCHEDULES: usize = 20_000;

fn publishers(work: &Arc<Mutex<u32>>, waker: &Waker, publishers: u32, each: u32) {
    for _ in 0..publishers {
        let (work, waker) = (work.clone(), waker.clone());
        thread::spawn(move || {
            for _ in 0..each {
                *work.lock() += 1;
                waker.wake();
            }
        });
    }
}

/// The first `limited` waits may end by their time. A loss would go unnoticed
/// where all may: hence the rest has no limit.
fn all_is_seen(limited: usize) {
    let work = Arc::new(Mutex::new(0));
    let waker = Waker::new();
    publishers(&work, &waker, 3, 2);
    let mut seen = 0;
    let mut waits = 0;
    while seen < 6 {
        waits += 1;
        waker.wait((waits <= limited).then_some(Duration::ZERO));
        seen += std::mem::take(&mut *work.lock());
    }
}

#[test]
fn a_sleeper_sees_all_that_was_published() {
    shuttle::check_random(|| all_is_seen(0), SCHEDULES);
    shuttle::check_pct(|| all_is_seen(0), SCHEDULES, 4);
}

#[test]
fn a_wait_that_times_out_loses_nothing_either() {
    shuttle::check_random(|| all_is_seen(3), SCHEDULES);
    shuttle::check_pct(|| all_is_seen(3), SCHEDULES, 4);
}

#[test]
fn a_wait_answers_whether_it_was_woken() {
    shuttle::check_random(
        || {
            let waker = Waker::new();
            let other = waker.clone();
            let waking = thread::spawn(move || other.wake());
            let woken = waker.wait(None);
            assert!(woken, "only a wake ends a wait without a limit");
            waking.join().expect("woken");
        },
        SCHEDULES,
    );
}
