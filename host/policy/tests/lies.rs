//! A policy that answers nonsense: counted, skipped, and the node makes room.

use std::sync::{Arc, OnceLock, Weak};

use super::lab::{Lab, MAX_ENTRIES};
use super::model::Model;
use super::scripts::{Script, Source};
use crate::policy::WorkerState;
use crate::policy::worker_thread::Next;

/// Answers the same victims whenever room is needed.
fn lab_with_answer(answer: &'static [u32]) -> Lab {
    Lab::new(Source::new("liar", move |_| {
        Ok(Script::boxed(move |_, need, victims| {
            if need > 0 {
                victims.extend(answer);
            }
            Ok(())
        }))
    }))
}

fn fill(lab: &mut Lab) {
    for key in 0..100 {
        lab.insert(&key.to_string());
    }
    assert_eq!(lab.settle(), Next::Wait(None));
    assert_eq!((lab.model.held(), lab.state()), (10, WorkerState::Running));
}

#[test]
fn no_victims_at_all() {
    let mut lab = lab_with_answer(&[]);
    fill(&mut lab);
    let status = lab.status();
    assert_eq!((status.victims, status.by_recency, status.bogus), (0, 90, 0));
    assert!(status.short > 0);
}

#[test]
fn victims_out_of_bounds() {
    let mut lab = lab_with_answer(&[MAX_ENTRIES, u32::MAX]);
    fill(&mut lab);
    let status = lab.status();
    assert_eq!((status.victims, status.by_recency), (0, 90));
    assert_eq!(status.bogus, 2 * status.short);
    assert!(status.short > 0);
}

#[test]
fn victims_that_were_never_admitted() {
    let mut lab = lab_with_answer(&[50, 51, 52, 53]);
    fill(&mut lab);
    let status = lab.status();
    assert_eq!((status.victims, status.by_recency), (0, 90));
    assert_eq!(status.bogus, 4 * status.short);
    assert!(status.short > 0);
}

#[test]
fn one_victim_again_and_again() {
    let mut lab = lab_with_answer(&[3, 3, 3, 3]);
    fill(&mut lab);
    let status = lab.status();
    assert!(status.victims > 0 && status.by_recency > 0);
    assert_eq!(status.victims + status.by_recency, 90);
    assert!(status.bogus >= 3 * status.victims);
}

#[test]
fn a_victim_whose_slot_changed_meanwhile_stays() {
    // The policy itself overwrites what it then names, as a Set may do while a
    // step runs.
    let model = Arc::new(OnceLock::<Weak<Model>>::new());
    let seen = model.clone();
    let mut lab = Lab::new(Source::new("late", move |_| {
        let model = seen.clone();
        let mut raced = false;
        Ok(Script::boxed(move |_, need, victims| {
            if need > 0 && !raced {
                raced = true;
                let model = model.get().and_then(Weak::upgrade).expect("set");
                victims.push(model.slot("0"));
                assert!(model.insert("0", 1));
            }
            Ok(())
        }))
    }));
    model.set(Arc::downgrade(&lab.model)).expect("set once");
    lab.insert_all("0 1 2 3 4 5 6 7 8 9 10");
    // 0 is the latest now, so recency takes 1.
    assert_eq!(lab.held(), "0 10 2 3 4 5 6 7 8 9");
    let status = lab.status();
    assert_eq!((status.stale, status.bogus, status.victims, status.by_recency), (1, 0, 0, 1));
}
