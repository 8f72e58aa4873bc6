//! A new policy takes over while entries come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lab::{Lab, MAX_ENTRIES, NoKeys, is_open};
use super::scripts::{
    Script, Source, fifo, lru, lru_with_snapshots, restoring_then_trapping, trapping_lru,
};
use crate::policy::phase::Handover;
use crate::policy::worker_thread::Next;
use crate::policy::{Failure, PolicySource, WorkerState};
use crate::sync::Mutex;

#[test]
fn the_new_policy_learns_the_old_ones_order() {
    let mut lab = Lab::new(lru().0);
    lab.insert_all("a b c d e f g h i j");
    assert!(lab.model.touch("a"));
    lab.settle();
    let (source, seen) = fifo();
    let swapped = lab.swap(source).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 10 });
    assert_eq!(lab.held(), "a b c d e f g h i j");
    assert_eq!((lab.status().policy.as_str(), lab.state()), ("fifo", WorkerState::Running));
    let order: Vec<u32> = "b c d e f g h i j a".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
    // From here on it is a FIFO, with b at its head.
    assert!(lab.model.touch("b"));
    lab.insert_all("k");
    assert_eq!(lab.held(), "a c d e f g h i j k");
}

#[test]
fn entries_come_and_go_during_a_hand_over() {
    let mut lab = Lab::new(lru().0);
    lab.insert_all("a b c d e f g h i j");
    let (source, seen) = fifo();
    let mut answer = lab.ask_to_swap(source);
    assert_eq!(lab.thread.turn(), Next::Again);
    lab.model.remove("c");
    assert!(lab.model.insert("k", 1) && lab.model.insert("l", 1));
    assert_eq!(lab.thread.turn(), Next::Again);
    assert!(is_open(&mut answer));
    lab.settle();
    assert!(answer.try_recv().expect("answered").is_ok());
    let mut known = seen.lock().clone();
    known.sort_unstable();
    assert_eq!(known, lab.model.resident().into_iter().collect::<Vec<_>>());
    assert_eq!(lab.model.held(), 10);
}

#[test]
fn a_snapshot_goes_over_whole() {
    let mut lab = Lab::new(lru_with_snapshots().0);
    lab.insert_all("a b c d");
    assert!(lab.model.touch("a"));
    lab.settle();
    let (source, seen) = lru_with_snapshots();
    let swapped = lab.swap(source).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Snapshot { bytes: 32 });
    let order: Vec<u32> = "b c d a".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
    // A stranger to that format is told in order.
    let swapped = lab.swap(fifo().0).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 4 });
}

#[test]
fn an_old_policy_that_repeats_itself_comes_to_an_end() {
    let source = Source::new("parrot", |_| {
        Ok(Script::boxed(|_, need, victims| {
            if need > 0 {
                victims.extend([2, 1, 2, MAX_ENTRIES]);
            }
            Ok(())
        }))
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a b c d");
    let (source, seen) = lru();
    let swapped = lab.swap(source).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 2 });
    assert_eq!(*seen.lock(), [2, 1, 0, 3]);
}

#[test]
fn an_old_policy_that_dawdles_is_cut_short() {
    let mut lab = Lab::new(Source::new("dawdler", |_| {
        let mut slot = 0;
        Ok(Script::boxed(move |_, need, victims| {
            if need > 0 {
                victims.push(slot);
                slot += 1;
            }
            Ok(())
        }))
    }));
    lab.insert_all("a b c d e f");
    let mut answer = lab.ask_to_swap(lru().0);
    lab.thread.turn();
    lab.clock.advance(10_000);
    lab.settle();
    let swapped = answer.try_recv().expect("answered").expect("swapped");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 2 });
}

#[test]
fn an_old_policy_that_traps_while_telling_loses_only_the_rest() {
    // The first step admits, the second and third are for the order.
    let mut lab = Lab::new(trapping_lru(3).0);
    lab.insert_all("a b c d e f");
    let (source, seen) = lru();
    let swapped = lab.swap(source).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 4 });
    assert_eq!(lab.status().failures.get("trap"), Some(&1));
    assert_eq!((lab.state(), seen.lock().len()), (WorkerState::Running, 6));
}

#[test]
fn a_new_policy_that_fails_on_the_way_is_sent_back() {
    let (old, seen) = lru();
    let mut lab = Lab::new(old);
    lab.insert_all("a b c d e f");
    let failed = lab.swap(trapping_lru(1).0).expect_err("it traps");
    assert_eq!(failed, Failure::Trap("unreachable".to_owned()));
    assert_eq!((lab.status().policy.as_str(), lab.state()), ("lru", WorkerState::Running));
    assert_eq!(lab.status().failures.get("trap"), Some(&1));
    assert_eq!(lab.held(), "a b c d e f");
    let known: std::collections::BTreeSet<u32> = seen.lock().iter().copied().collect();
    assert_eq!(known, lab.model.resident());
}

/// One that gave its state away goes on with all that it knew, and with the batch over
/// which the new one failed.
#[test]
fn an_old_policy_that_gave_a_snapshot_comes_back_as_it_was() {
    let made = Arc::new(AtomicUsize::new(0));
    let (counted, (healthy, seen)) = (made.clone(), lru_with_snapshots());
    let old = Source::new("lru2", move |config| {
        counted.fetch_add(1, Ordering::Relaxed);
        healthy.instantiate(config, Arc::new(crate::policy::tests::lab::NoKeys))
    });
    let mut lab = Lab::new(old);
    lab.insert_all("a b c");
    assert!(lab.model.touch("a"));
    lab.settle();
    let mut answer = lab.ask_to_swap(restoring_then_trapping());
    lab.insert("d");
    lab.settle();
    assert!(answer.try_recv().expect("answered").is_err());
    let order: Vec<u32> = "b c a d".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
    assert_eq!((made.load(Ordering::Relaxed), lab.state()), (1, WorkerState::Running));
}

#[test]
fn a_group_without_a_policy_stays_so_when_the_next_one_fails_too() {
    let mut lab = Lab::new(trapping_lru(1).0);
    lab.insert_all("a b");
    for _ in 0..2 {
        lab.clock.advance(5_000);
        lab.settle();
    }
    assert_eq!(lab.state(), WorkerState::Fallback);
    lab.swap(trapping_lru(1).0).expect_err("it traps");
    assert_eq!(lab.state(), WorkerState::Fallback);
    assert_eq!(lab.status().problem.as_deref(), Some("trapped: unreachable"));
    assert_eq!(lab.settle(), Next::Wait(None));
}

#[test]
fn a_swap_ends_a_recovery_and_its_strikes() {
    let mut lab = Lab::new(trapping_lru(1).0);
    lab.insert_all("a b");
    lab.clock.advance(50);
    lab.settle();
    assert_eq!(lab.status().failures.get("trap"), Some(&2));
    let swapped = lab.swap(trapping_lru(2).0).expect("it traps only later");
    assert_eq!(swapped.handover, Handover::Recency);
    lab.insert_all("c");
    // The first strike of the new source, not the third.
    assert_eq!(lab.state(), WorkerState::Recovering);
}

#[test]
fn a_newer_swap_takes_the_place_of_one_that_waits() {
    let mut lab = Lab::new(lru().0);
    lab.insert_all("a b c d e f g h");
    let mut first = lab.ask_to_swap(fifo().0);
    let mut second = lab.ask_to_swap(fifo().0);
    assert!(matches!(first.try_recv(), Ok(Err(Failure::Refused(_)))));
    assert_eq!(lab.thread.turn(), Next::Again);
    // The second is being handed to; the third comes before it is through.
    let mut third = lab.ask_to_swap(lru().0);
    lab.settle();
    assert!(second.try_recv().expect("answered").is_ok());
    assert!(third.try_recv().expect("answered").is_ok());
    assert_eq!((lab.status().policy.as_str(), lab.model.held()), ("lru", 8));
}

#[test]
fn a_restore_that_traps_changes_nothing() {
    struct Fragile;
    impl crate::policy::Policy for Fragile {
        fn step(
            &mut self,
            _batch: &crate::policy::Batch,
            _need: u64,
            _now_ms: u64,
            _victims: &mut Vec<u32>,
        ) -> Result<(), Failure> {
            Ok(())
        }

        fn restore(&mut self, _state: &crate::policy::Snapshot) -> Result<bool, Failure> {
            Err(Failure::Trap("fragile".to_owned()))
        }
    }
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let (source, seen) = lru_with_snapshots();
    let mut lab = Lab::new(source);
    lab.insert_all("a b c");
    let before = seen.lock().clone();
    let fragile = Source::new("fragile", move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Fragile))
    });
    assert_eq!(lab.swap(fragile), Err(Failure::Trap("fragile".to_owned())));
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert_eq!((lab.status().policy.as_str(), lab.state()), ("lru2", WorkerState::Running));
    lab.insert_all("d");
    assert_eq!(seen.lock()[..3], before);
}

#[test]
fn new_limits_reach_the_policy_and_the_order_stays() {
    let limits = Arc::new(Mutex::new(Vec::new()));
    let (noted, (queue, seen)) = (Arc::clone(&limits), fifo());
    let source = Source::new("sized", move |config| {
        noted.lock().push((config.capacity, config.max_entries));
        queue.instantiate(config, Arc::new(NoKeys))
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a b c d");
    let order = seen.lock().clone();
    let resized = lab.resize(50, 2 * MAX_ENTRIES).expect("a healthy policy");
    assert_eq!(resized.handover, Handover::Ordered { entries: 4 });
    assert_eq!(*limits.lock(), [(100, MAX_ENTRIES), (50, 2 * MAX_ENTRIES)]);
    assert_eq!((*seen.lock()).clone(), order);
    // A policy that was configured for the limits before may not take over.
    let refused = lab.swap(lru().0).expect_err("of the old limits");
    assert!(refused.to_string().contains("swap again"), "{refused}");
    assert_eq!(lab.state(), WorkerState::Running);
}

#[test]
fn a_policy_that_refuses_new_limits_keeps_the_old_ones() {
    let (queue, _) = fifo();
    let source = Source::new("small", move |config| match config.capacity {
        100 => queue.instantiate(config, Arc::new(NoKeys)),
        _ => Err(Failure::Refused("100 or nothing".into())),
    });
    let mut lab = Lab::new(source);
    lab.insert_all("a b c d");
    assert!(lab.resize(50, MAX_ENTRIES).is_err());
    assert_eq!((lab.state(), lab.held().as_str()), (WorkerState::Running, "a b c d"));
    assert!(lab.swap(lru().0).is_ok(), "of the limits that are in effect");
}
