//! Any sequence of operations, any answers: the worker comes to rest with the
//! store under its soft capacity and both sides knowing the same entries.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::lab::{Lab, MAX_ENTRIES};
use super::model::Model;
use super::scripts::{Script, Source, fifo, lru, trapping_lru};
use crate::policy::{Failure, Waker, WorkerState};

#[derive(Clone, Debug)]
enum Op {
    Insert { key: u8, weight: u32 },
    Touch(u8),
    Remove(u8),
    Turn,
    Swap { to_lru: bool },
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        8 => (any::<u8>(), 1..20_u32).prop_map(|(key, weight)| Op::Insert { key, weight }),
        4 => any::<u8>().prop_map(Op::Touch),
        2 => any::<u8>().prop_map(Op::Remove),
        4 => Just(Op::Turn),
        1 => any::<bool>().prop_map(|to_lru| Op::Swap { to_lru }),
        1 => (1..100_u64).prop_map(Op::Advance),
    ];
    vec(op, 1..200)
}

fn store() -> Model {
    Model::new(MAX_ENTRIES, 80, 100, Waker::new())
}

fn apply(lab: &mut Lab, op: &Op) {
    match op {
        Op::Insert { key, weight } => {
            let key = key.to_string();
            if !lab.model.insert(&key, *weight) {
                lab.settle();
                // Slots may be all in use, which the model does not evict for.
                let slots_left = lab.model.resident().len() < MAX_ENTRIES as usize;
                assert!(lab.model.insert(&key, *weight) || !slots_left);
            }
        }
        Op::Touch(key) => {
            lab.model.touch(&key.to_string());
        }
        Op::Remove(key) => lab.model.remove(&key.to_string()),
        Op::Turn => {
            lab.thread.turn();
        }
        Op::Swap { to_lru } => {
            let (source, _) = if *to_lru { lru() } else { fifo() };
            drop(lab.ask_to_swap(source));
        }
        Op::Advance(ms) => lab.clock.advance(*ms),
    }
}

proptest! {
    #[test]
    fn both_sides_know_the_same_entries(ops in ops()) {
        let mut lab = Lab::with_store(lru().0, store());
        for op in &ops {
            apply(&mut lab, op);
        }
        let (last, seen) = lru();
        prop_assert!(lab.swap(last).is_ok());
        lab.settle();
        prop_assert!(lab.model.held() <= 80);
        prop_assert_eq!(seen.lock().iter().copied().collect::<BTreeSet<_>>(), lab.model.resident());
        let status = lab.status();
        prop_assert_eq!((status.bogus, status.short), (0, 0));
    }

    #[test]
    fn a_policy_that_traps_leaves_no_trace(ops in ops(), nth in 1..20_usize) {
        let (source, seen) = trapping_lru(nth);
        let mut lab = Lab::with_store(source, store());
        for op in ops.iter().filter(|op| !matches!(op, Op::Swap { .. })) {
            apply(&mut lab, op);
        }
        lab.settle();
        prop_assert!(lab.model.held() <= 80);
        if lab.state() == WorkerState::Running {
            let known: BTreeSet<u32> = seen.lock().iter().copied().collect();
            prop_assert_eq!(known, lab.model.resident());
        }
    }

    #[test]
    fn any_answer_at_all_is_survived(
        ops in ops(),
        answers in vec(prop_oneof![
            9 => vec(0..MAX_ENTRIES + 2, 0..6).prop_map(Ok),
            1 => Just(Err(Failure::Deadline { limit_ms: 1 })),
        ], 1..20),
    ) {
        let source = Source::new("any", move |_| {
            let mut answers = answers.clone().into_iter().cycle();
            Ok(Script::boxed(move |batch, need, victims| {
                if !batch.is_empty() || need > 0 {
                    victims.extend(answers.next().expect("endless")?);
                }
                Ok(())
            }))
        });
        let mut lab = Lab::with_store(source, store());
        for op in &ops {
            apply(&mut lab, op);
        }
        lab.settle();
        prop_assert!(lab.model.held() <= 80);
        prop_assert_eq!(lab.model.pending(), 0);
    }
}
