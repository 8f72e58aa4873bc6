//! Ringers publish under a lock and ring; whoever waits sees all of it, and
//! sleeps for ever only when there is nothing: a lost ring is a deadlock here.

use std::sync::Arc;
use std::time::Duration;

use shuttle::thread;

use crate::bell::Bell;
use crate::sync::Mutex;

const SCHEDULES: usize = 20_000;

fn ringers(work: &Arc<Mutex<u32>>, bell: &Bell, ringers: u32, each: u32) {
    for _ in 0..ringers {
        let (work, bell) = (work.clone(), bell.clone());
        thread::spawn(move || {
            for _ in 0..each {
                *work.lock() += 1;
                bell.ring();
            }
        });
    }
}

/// The first `limited` waits may end by their time. A loss would go unnoticed
/// where all may: hence the rest has no limit.
fn all_is_seen(limited: usize) {
    let work = Arc::new(Mutex::new(0));
    let bell = Bell::new();
    ringers(&work, &bell, 3, 2);
    let mut seen = 0;
    let mut waits = 0;
    while seen < 6 {
        waits += 1;
        bell.wait((waits <= limited).then_some(Duration::from_millis(1)));
        seen += std::mem::take(&mut *work.lock());
    }
}

#[test]
fn a_sleeper_sees_all_that_was_rung_for() {
    shuttle::check_random(|| all_is_seen(0), SCHEDULES);
    shuttle::check_pct(|| all_is_seen(0), SCHEDULES, 4);
}

#[test]
fn a_wait_that_times_out_loses_nothing_either() {
    shuttle::check_random(|| all_is_seen(3), SCHEDULES);
    shuttle::check_pct(|| all_is_seen(3), SCHEDULES, 4);
}

#[test]
fn a_wait_answers_whether_it_was_rung() {
    shuttle::check_dfs(
        || {
            let bell = Bell::new();
            let ringer = bell.clone();
            let ringing = thread::spawn(move || ringer.ring());
            let rung = bell.wait(None);
            assert!(rung, "only a ring ends a wait without a limit");
            ringing.join().expect("rung");
        },
        None,
    );
}
