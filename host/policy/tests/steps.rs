//! A policy that keeps its contract.

use std::time::Duration;

use super::lab::Lab;
use super::model::Model;
use super::scripts::{fifo, lru};
use crate::policy::worker_thread::Next;
use crate::policy::{Waker, WorkerState};

#[test]
fn an_lru_evicts_in_its_order() {
    let (source, seen) = lru();
    let mut lab = Lab::new(source);
    lab.insert_all("a b c d e f g h i j");
    assert!(lab.model.touch("a") && lab.model.touch("c"));
    // Coldest first: b d e f g h i j a c. The soft capacity holds ten.
    lab.insert_all("k l m");
    assert_eq!(lab.held(), "a c f g h i j k l m");
    let order: Vec<u32> = "f g h i j a c k l m".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
    let status = lab.status();
    assert_eq!((status.victims, status.by_recency), (3, 0));
    assert_eq!((status.bogus, status.stale, status.short), (0, 0, 0));
    assert_eq!(status.step_buckets.iter().sum::<u64>(), status.steps);
}

#[test]
fn a_fifo_is_not_moved_by_touches() {
    let mut lab = Lab::new(fifo().0);
    lab.insert_all("a b c d e f g h i j");
    assert!(lab.model.touch("a"));
    lab.insert_all("k l");
    assert_eq!(lab.held(), "c d e f g h i j k l");
}

#[test]
fn more_victims_than_a_step_may_name_take_several() {
    let mut lab = Lab::with_store(lru().0, Model::new(64, 50, 60, Waker::new()));
    lab.insert_all(&(10..60).map(|key| format!("{key} ")).collect::<String>());
    lab.model.shrink_soft(3);
    lab.settle();
    assert_eq!(lab.held(), "57 58 59");
    let status = lab.status();
    assert_eq!((status.victims, status.by_recency, status.short), (47, 0, 0));
}

#[test]
fn a_worker_at_rest_waits_without_a_limit_and_takes_no_step() {
    let mut lab = Lab::new(lru().0);
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!(lab.status().steps, 0);
    lab.insert_all("a b");
    let steps = lab.status().steps;
    lab.clock.advance(Duration::from_secs(3_600).as_millis() as u64);
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!((lab.status().steps, lab.state()), (steps, WorkerState::Running));
}

#[test]
fn a_turn_is_bounded_by_the_drain_limit() {
    let (source, seen) = lru();
    let mut lab = Lab::with_store(source, Model::new(64, 64, 64, Waker::new()));
    lab.thread.config.drain_limit = 5;
    for key in 0..12 {
        assert!(lab.model.insert(&key.to_string(), 1));
    }
    assert_eq!(lab.thread.turn(), Next::Again);
    assert_eq!((seen.lock().len(), lab.model.pending()), (5, 7));
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!(seen.lock().len(), 12);
}

#[test]
fn the_statistics_are_the_policys_own() {
    let mut lab = Lab::new(lru().0);
    lab.insert_all("a b c");
    assert_eq!(lab.ask_statistics(), Ok(vec![("known".to_owned(), 3.0)]));
}
