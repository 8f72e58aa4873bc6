//! A built-in policy as native code, at work in a worker.

use std::sync::Arc;

use psycache_policy_lru::Lru;

use super::lab::{Lab, config};
use super::scripts::fifo;
use crate::clock::Clock;
use crate::policy::phase::Handover;
use crate::policy::{Failure, Native, Waker, Worker, WorkerState};

fn lru() -> Arc<Native<Lru>> {
    Arc::new(Native::new("lru (native)"))
}

#[test]
fn the_built_in_lru_evicts_in_its_order_and_tells_it() {
    let mut lab = Lab::new(lru());
    lab.insert_all("a b c d e f g h i j");
    assert!(lab.model.touch("a") && lab.model.touch("c"));
    lab.insert_all("k l m");
    assert_eq!(lab.held(), "a c f g h i j k l m");
    lab.model.remove("g");
    lab.settle();
    let status = lab.status();
    assert_eq!((status.state, status.policy.as_str()), (WorkerState::Running, "lru (native)"));
    assert_eq!((status.victims, status.by_recency, status.bogus), (3, 0, 0));

    let (source, seen) = fifo();
    let swapped = lab.swap(source).expect("a healthy policy");
    assert_eq!(swapped.handover, Handover::Ordered { entries: 9 });
    let order: Vec<u32> = "f h i j a c k l m".split(' ').map(|key| lab.model.slot(key)).collect();
    assert_eq!(*seen.lock(), order);
}

#[test]
fn an_option_that_it_does_not_have_is_refused_by_name() {
    let mut config = config(&Clock::manual());
    config.policy.options = vec![("k".to_owned(), "2".to_owned())];
    let lab = Lab::new(lru());
    let refused = Worker::start("g", lru(), config, lab.model.clone(), Waker::new()).err();
    let problem = "unknown option k (there are no options)".to_owned();
    assert_eq!(refused, Some(Failure::Refused(problem)));
}
