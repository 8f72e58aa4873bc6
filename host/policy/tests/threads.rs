//! The worker as a thread: inserts that wait, swaps, a policy that hangs, the end.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::lab::{MAX_ENTRIES, config};
use super::model::Model;
use super::scripts::{Script, Source, fifo, lru, trapping_lru};
use crate::clock::Clock;
use crate::policy::phase::Handover;
use crate::policy::{
    Failure, Patience, PolicySource, Residents, Waker, Worker, WorkerConfig, WorkerState,
};
use crate::sync::Mutex;

const FOREVER: Duration = Duration::from_secs(3_600);

/// A store of ten, kept at `soft`, with a worker whose waits for room never end
/// by themselves unless `change` says so.
fn start(
    source: Arc<dyn PolicySource>,
    soft: u64,
    change: impl FnOnce(&mut WorkerConfig),
) -> (Arc<Model>, Worker) {
    let waker = Waker::new();
    let model = Arc::new(Model::new(MAX_ENTRIES, soft, 10, waker.clone()));
    let mut config = config(&Clock::monotonic());
    config.room_wait = FOREVER;
    change(&mut config);
    let worker = Worker::start("threads", source, config, model.clone(), waker);
    (model, worker.expect("the first instance works"))
}

async fn insert(model: &Model, worker: &Worker, key: &str) {
    while !model.insert(key, 1) {
        worker.room().await;
    }
}

/// A failure to make progress shows as this, and not as a hanging build.
fn within_a_minute(test: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    #[expect(clippy::disallowed_methods, reason = "a test is outside of any runtime")]
    let done = runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await });
    done.expect("no progress for a minute");
}

async fn eight_inserters(model: Arc<Model>, worker: Arc<Worker>) {
    let mut inserters = JoinSet::new();
    for inserter in 0..8 {
        let (model, worker) = (model.clone(), worker.clone());
        inserters.spawn(async move {
            for nth in 0..500 {
                insert(&model, &worker, &format!("{inserter}/{nth}")).await;
            }
        });
    }
    while let Some(ended) = inserters.join_next().await {
        ended.expect("an inserter");
    }
}

#[test]
fn eight_inserters_at_the_hard_capacity_all_progress() {
    // Soft and hard are the same: nearly every insert has to wait.
    let (model, worker) = start(lru().0, 10, |_| {});
    let worker = Arc::new(worker);
    within_a_minute(eight_inserters(model, worker.clone()));
    let status = worker.status();
    assert!(status.victims + status.by_recency >= 4_000 - 10, "{status:?}");
    assert_eq!((status.bogus, status.state), (0, WorkerState::Running));
}

#[test]
fn eight_inserters_progress_while_the_policy_fails() {
    let (model, worker) = start(trapping_lru(20).0, 8, |config| {
        config.patience =
            Patience { first_backoff: Duration::from_millis(1), strikes: 3, ..Patience::default() };
    });
    let worker = Arc::new(worker);
    within_a_minute(eight_inserters(model, worker.clone()));
    assert_eq!(worker.status().failures.get("trap"), Some(&3));
    assert_eq!(worker.status().state, WorkerState::Fallback);
}

#[test]
fn swaps_under_load_stop_nobody() {
    let (model, worker) = start(lru().0, 8, |_| {});
    let worker = Arc::new(worker);
    within_a_minute(async {
        let load = tokio::spawn(eight_inserters(model.clone(), worker.clone()));
        for nth in 0..20 {
            let source = if nth % 2 == 0 { fifo().0 } else { lru().0 };
            let swapped = worker.swap(source, Vec::new()).await.expect("a healthy policy");
            assert!(matches!(swapped.handover, Handover::Ordered { entries: 0..=10 }));
        }
        load.await.expect("the load");
    });
    assert_eq!((worker.status().policy.as_str(), worker.status().bogus), ("lru", 0));
}

/// A policy that tells when a step with work begins, and ends it when told to.
fn gated() -> (Arc<Source>, Receiver<()>, Sender<()>) {
    let (begun, begins) = channel();
    let (open, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let source = Source::new("gated", move |_| {
        let (begun, gate) = (begun.clone(), gate.clone());
        Ok(Script::boxed(move |batch, _, _| {
            if !batch.is_empty() {
                let _ = begun.send(());
                let _ = gate.lock().recv();
            }
            Ok(())
        }))
    });
    (source, begins, open)
}

#[test]
fn a_policy_that_hangs_slows_no_hit_and_fails_no_insert() {
    let (source, begins, open) = gated();
    let (model, worker) = start(source, 8, |config| config.room_wait = Duration::from_millis(1));
    assert!(model.insert("first", 1));
    begins.recv().expect("a step begins");
    // The worker is inside the step from here on.
    within_a_minute(async {
        for nth in 0..50 {
            insert(&model, &worker, &nth.to_string()).await;
            assert!(model.touch(&nth.to_string()));
        }
    });
    assert_eq!(worker.status().steps, 0);
    assert!(worker.status().by_recency >= 41);
    drop(open);
    worker.shutdown();
    assert!(worker.status().steps >= 1);
}

#[test]
fn a_wait_for_room_that_is_given_up_takes_no_turn_from_others() {
    let (source, begins, open) = gated();
    let (model, worker) = start(source, 10, |_| {});
    assert!(model.insert("0", 1));
    begins.recv().expect("a step begins");
    for key in 1..10 {
        assert!(model.insert(&key.to_string(), 1));
    }
    within_a_minute(async {
        assert!(!model.insert("given up", 1));
        let given_up = tokio::time::timeout(Duration::from_millis(1), worker.room()).await;
        assert!(given_up.is_err());
        let waits = insert(&model, &worker, "waits");
        drop(open);
        waits.await;
    });
    assert!(model.keys().contains("waits"));
}

#[test]
fn a_swap_that_is_refused_changes_nothing() {
    let (source, seen) = lru();
    let (model, worker) = start(source, 10, |_| {});
    within_a_minute(async {
        for key in ["a", "b", "c"] {
            insert(&model, &worker, key).await;
        }
        let refused = worker.swap(fifo().0, vec![("k".to_owned(), "2".to_owned())]).await;
        assert_eq!(refused, Err(Failure::Refused("no option k".to_owned())));
        let broken = Source::new("broken", |_| panic!("in the making"));
        let broken = worker.swap(broken, Vec::new()).await;
        assert_eq!(broken, Err(Failure::Trap("panicked: in the making".to_owned())));
        // The worker may be between its drain and its mail when the last one comes.
        let all = Ok(vec![("known".to_owned(), 3.0)]);
        while worker.statistics().await != all {
            tokio::task::yield_now().await;
        }
    });
    let status = worker.status();
    assert_eq!((status.policy.as_str(), status.sha256.as_str()), ("lru", "5ba1"));
    assert_eq!(
        (status.state, status.failures.len(), seen.lock().len()),
        (WorkerState::Running, 0, 3)
    );
}

#[test]
fn a_swap_whose_caller_leaves_is_known_as_the_policy_that_runs() {
    let waker = Waker::new();
    let model = Arc::new(Model::new(MAX_ENTRIES, 10, 10, waker.clone()));
    let config = config(&Clock::monotonic());
    let by_hand = Worker::by_hand("left", lru().0, config, model, waker);
    let (worker, mut turns) = by_hand.expect("the first instance works");
    within_a_minute(async {
        let mut swap = Box::pin(worker.swap(fifo().0, Vec::new()));
        // Not polled again once the thread has it.
        while worker.status().policy != "fifo" {
            assert!(futures::poll!(&mut swap).is_pending());
            tokio::task::yield_now().await;
            turns.take();
        }
    });
    while turns.take() {}
    assert_eq!(worker.current().0.name(), "fifo");
}

#[test]
fn a_refused_configuration_fails_the_start() {
    let mut config = config(&Clock::monotonic());
    config.policy.options = vec![("x".to_owned(), "1".to_owned())];
    let waker = Waker::new();
    let model = Arc::new(Model::new(4, 4, 4, waker.clone()));
    let refused = Worker::start("g", lru().0, config, model, waker).err();
    assert_eq!(refused, Some(Failure::Refused("no option x".to_owned())));
}

#[test]
fn the_end_comes_in_the_midst_of_a_backoff() {
    let (model, worker) = start(trapping_lru(1).0, 10, |config| {
        config.patience.first_backoff = FOREVER;
        config.patience.longest_backoff = FOREVER;
    });
    assert!(model.insert("a", 1));
    within_a_minute(async {
        // Answered after the failed step, or before it: then the next is.
        while worker.status().state != WorkerState::Recovering {
            worker.statistics().await.expect("a live worker");
        }
    });
    worker.shutdown();
    assert_eq!(worker.status().state, WorkerState::Stopped);
    within_a_minute(async {
        assert_eq!(worker.statistics().await, Err(Failure::Stopped));
        assert_eq!(worker.swap(lru().0, Vec::new()).await, Err(Failure::Stopped));
        for key in 0..50 {
            insert(&model, &worker, &key.to_string()).await;
        }
    });
    assert_eq!(model.need(), 0);
    drop(worker);
    assert_eq!(Arc::strong_count(&model), 1, "the thread has let go of the store");
}

#[test]
fn the_end_sends_away_who_waits_for_room() {
    let (source, begins, open) = gated();
    let (model, worker) = start(source, 10, |_| {});
    assert!(model.insert("0", 1));
    begins.recv().expect("a step begins");
    for key in 1..10 {
        assert!(model.insert(&key.to_string(), 1));
    }
    let worker = Arc::new(worker);
    within_a_minute(async {
        let ended = tokio::task::spawn_blocking({
            let worker = worker.clone();
            move || worker.shutdown()
        });
        let inserted = insert(&model, &worker, "late");
        drop(open);
        inserted.await;
        ended.await.expect("joined");
    });
    assert!(model.keys().contains("late"));
}
