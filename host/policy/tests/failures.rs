//! A policy that fails: the node goes on, a new instance follows, up to a point.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::lab::{Lab, MAX_VICTIMS};
use super::scripts::{Script, Source, lru, trapping_lru};
use crate::policy::worker_thread::Next;
use crate::policy::{Failure, WorkerState};

#[test]
fn a_trap_fails_no_insert_and_the_next_instance_knows_every_entry() {
    let (source, seen) = trapping_lru(3);
    let mut lab = Lab::new(source);
    lab.insert_all("a b c d e f g h i j");
    assert!(lab.model.touch("a"));
    lab.settle();
    lab.insert_all("k l");
    assert_eq!(lab.state(), WorkerState::Recovering);
    assert_eq!(lab.status().problem.as_deref(), Some("trapped: unreachable"));
    assert_eq!(lab.status().failures.get("trap"), Some(&1));
    // By recency: a was touched, b and c were not.
    assert_eq!(lab.held(), "a d e f g h i j k l");

    assert_eq!(lab.settle(), Next::Wait(Some(Duration::from_millis(50))));
    lab.clock.advance(50);
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!((lab.state(), lab.status().problem), (WorkerState::Running, None));
    let order: Vec<u32> = "d e f g h i j a k l".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
}

#[test]
fn three_strikes_and_the_node_chooses_until_a_swap() {
    let mut lab = Lab::new(trapping_lru(1).0);
    lab.insert_all("a b");
    // Each new instance traps over the entries that it is told of.
    for (strikes, pause_ms) in [(1, 50), (2, 100)] {
        assert_eq!(lab.state(), WorkerState::Recovering);
        assert_eq!(lab.status().failures.get("trap"), Some(&strikes));
        assert_eq!(lab.settle(), Next::Wait(Some(Duration::from_millis(pause_ms))));
        lab.clock.advance(pause_ms);
        lab.settle();
    }
    assert_eq!(lab.state(), WorkerState::Fallback);
    assert_eq!(lab.status().failures.get("trap"), Some(&3));
    lab.clock.advance(3_600_000);
    // It rests, and still inserts find room and the lists stay short.
    for key in 0..100 {
        lab.insert(&key.to_string());
    }
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!((lab.state(), lab.model.pending()), (WorkerState::Fallback, 0));
    assert_eq!(lab.model.held(), 10);
    assert_eq!(lab.ask_statistics(), Ok(Vec::new()));

    let (healthy, seen) = lru();
    lab.swap(healthy).expect("a healthy policy");
    assert_eq!((lab.state(), lab.status().problem), (WorkerState::Running, None));
    assert_eq!(seen.lock().iter().copied().collect::<BTreeSet<_>>(), lab.model.resident());
}

#[test]
fn a_source_that_gives_no_second_instance_is_given_up() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    // One to work; then none.
    let source = Source::new("once", move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) >= 1 {
            return Err(Failure::Memory { limit_bytes: 1 });
        }
        Ok(Script::boxed(|batch, _, _| {
            if batch.is_empty() { Ok(()) } else { Err(Failure::Deadline { limit_ms: 5 }) }
        }))
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a");
    for _ in 0..10 {
        lab.clock.advance(5_000);
        lab.settle();
    }
    assert_eq!((lab.state(), made.load(Ordering::Relaxed)), (WorkerState::Fallback, 3));
    let failures: Vec<_> = lab.status().failures.into_iter().collect();
    assert_eq!(failures, [("deadline", 1), ("memory", 2)]);
}

#[test]
fn a_panic_is_a_trap() {
    let source = Source::new("panics", |_| {
        Ok(Script::boxed(|batch, _, _| {
            assert!(batch.is_empty(), "of all things");
            Ok(())
        }))
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a");
    let problem = lab.status().problem;
    assert_eq!(problem.as_deref(), Some("trapped: panicked: of all things"));
}

#[test]
fn too_many_victims_are_a_failure() {
    let source = Source::new("eager", |_| {
        Ok(Script::boxed(|batch, _, victims| {
            if !batch.is_empty() {
                victims.extend(0..=MAX_VICTIMS);
            }
            Ok(())
        }))
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a");
    assert_eq!(lab.held(), "a");
    assert_eq!(lab.status().failures.get("too-many-victims"), Some(&1));
}

#[test]
fn a_failure_over_the_statistics_is_one() {
    struct Shy;
    impl crate::policy::Policy for Shy {
        fn step(
            &mut self,
            _batch: &crate::policy::Batch,
            _need: u64,
            _now_ms: u64,
            _victims: &mut Vec<u32>,
        ) -> Result<(), Failure> {
            Ok(())
        }

        fn statistics(&mut self) -> Result<Vec<(String, f64)>, Failure> {
            Err(Failure::Trap("shy".to_owned()))
        }
    }
    let mut lab = Lab::new(Source::new("shy", |_| Ok(Box::new(Shy))));
    assert_eq!(lab.ask_statistics(), Err(Failure::Trap("shy".to_owned())));
    assert_eq!(lab.state(), WorkerState::Recovering);
}
