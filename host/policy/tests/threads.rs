//! The lane as a thread: inserts that wait, swaps, a policy that hangs, the end.

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
use crate::policy::{
    Bell, Failure, Handover, Lane, LaneConfig, LaneState, Patience, PolicySource, Residents,
};
use crate::sync::Mutex;

const FOREVER: Duration = Duration::from_secs(3_600);

/// A store of ten, kept at `soft`, with a lane whose waits for room never end
/// by themselves unless `change` says so.
fn start(
    source: Arc<dyn PolicySource>,
    soft: u64,
    change: impl FnOnce(&mut LaneConfig),
) -> (Arc<Model>, Lane) {
    let bell = Bell::new();
    let model = Arc::new(Model::new(MAX_ENTRIES, soft, 10, bell.clone()));
    let mut config = config(&Clock::monotonic());
    config.room_wait = FOREVER;
    change(&mut config);
    let lane = Lane::start("threads", source, config, model.clone(), bell);
    (model, lane.expect("the first instance works"))
}

async fn insert(model: &Model, lane: &Lane, key: &str) {
    while !model.insert(key, 1) {
        lane.room().await;
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

async fn eight_inserters(model: Arc<Model>, lane: Arc<Lane>) {
    let mut inserters = JoinSet::new();
    for inserter in 0..8 {
        let (model, lane) = (model.clone(), lane.clone());
        inserters.spawn(async move {
            for nth in 0..500 {
                insert(&model, &lane, &format!("{inserter}/{nth}")).await;
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
    let (model, lane) = start(lru().0, 10, |_| {});
    let lane = Arc::new(lane);
    within_a_minute(eight_inserters(model, lane.clone()));
    let status = lane.status();
    assert!(status.victims + status.by_recency >= 4_000 - 10, "{status:?}");
    assert_eq!((status.bogus, status.state), (0, LaneState::Running));
}

#[test]
fn eight_inserters_progress_while_the_policy_fails() {
    let (model, lane) = start(trapping_lru(20).0, 8, |config| {
        config.patience =
            Patience { first_backoff: Duration::from_millis(1), strikes: 3, ..Patience::default() };
    });
    let lane = Arc::new(lane);
    within_a_minute(eight_inserters(model, lane.clone()));
    assert_eq!(lane.status().failures.get("trap"), Some(&3));
    assert_eq!(lane.status().state, LaneState::Fallback);
}

#[test]
fn swaps_under_load_stop_nobody() {
    let (model, lane) = start(lru().0, 8, |_| {});
    let lane = Arc::new(lane);
    within_a_minute(async {
        let load = tokio::spawn(eight_inserters(model.clone(), lane.clone()));
        for nth in 0..20 {
            let source = if nth % 2 == 0 { fifo().0 } else { lru().0 };
            let swapped = lane.swap(source, Vec::new()).await.expect("a healthy policy");
            assert!(matches!(swapped.handover, Handover::Ordered { entries: 0..=10 }));
        }
        load.await.expect("the load");
    });
    assert_eq!((lane.status().policy.as_str(), lane.status().bogus), ("lru", 0));
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
    let (model, lane) = start(source, 8, |config| config.room_wait = Duration::from_millis(1));
    assert!(model.insert("first", 1));
    begins.recv().expect("a step begins");
    // The lane is inside the step from here on.
    within_a_minute(async {
        for nth in 0..50 {
            insert(&model, &lane, &nth.to_string()).await;
            assert!(model.touch(&nth.to_string()));
        }
    });
    assert_eq!(lane.status().steps, 0);
    assert!(lane.status().by_recency >= 41);
    drop(open);
    lane.shutdown();
    assert!(lane.status().steps >= 1);
}

#[test]
fn a_wait_for_room_that_is_given_up_takes_no_turn_from_others() {
    let (source, begins, open) = gated();
    let (model, lane) = start(source, 10, |_| {});
    assert!(model.insert("0", 1));
    begins.recv().expect("a step begins");
    for key in 1..10 {
        assert!(model.insert(&key.to_string(), 1));
    }
    within_a_minute(async {
        assert!(!model.insert("given up", 1));
        let given_up = tokio::time::timeout(Duration::from_millis(1), lane.room()).await;
        assert!(given_up.is_err());
        let waits = insert(&model, &lane, "waits");
        drop(open);
        waits.await;
    });
    assert!(model.keys().contains("waits"));
}

#[test]
fn a_swap_that_is_refused_changes_nothing() {
    let (source, seen) = lru();
    let (model, lane) = start(source, 10, |_| {});
    within_a_minute(async {
        for key in ["a", "b", "c"] {
            insert(&model, &lane, key).await;
        }
        let refused = lane.swap(fifo().0, vec![("k".to_owned(), "2".to_owned())]).await;
        assert_eq!(refused, Err(Failure::Refused("no option k".to_owned())));
        let broken = Source::new("broken", |_| panic!("in the making"));
        let broken = lane.swap(broken, Vec::new()).await;
        assert_eq!(broken, Err(Failure::Trap("panicked: in the making".to_owned())));
        // The lane may be between its drain and its mail when the last one comes.
        let all = Ok(vec![("known".to_owned(), 3.0)]);
        while lane.statistics().await != all {
            tokio::task::yield_now().await;
        }
    });
    let status = lane.status();
    assert_eq!((status.policy.as_str(), status.sha256.as_str()), ("lru", "5ba1"));
    assert_eq!(
        (status.state, status.failures.len(), seen.lock().len()),
        (LaneState::Running, 0, 3)
    );
}

#[test]
fn a_refused_configuration_fails_the_start() {
    let mut config = config(&Clock::monotonic());
    config.policy.options = vec![("x".to_owned(), "1".to_owned())];
    let bell = Bell::new();
    let model = Arc::new(Model::new(4, 4, 4, bell.clone()));
    let refused = Lane::start("g", lru().0, config, model, bell).err();
    assert_eq!(refused, Some(Failure::Refused("no option x".to_owned())));
}

#[test]
fn the_end_comes_in_the_midst_of_a_backoff() {
    let (model, lane) = start(trapping_lru(1).0, 10, |config| {
        config.patience.first_backoff = FOREVER;
        config.patience.longest_backoff = FOREVER;
    });
    assert!(model.insert("a", 1));
    within_a_minute(async {
        // Answered after the failed step, or before it: then the next is.
        while lane.status().state != LaneState::Recovering {
            lane.statistics().await.expect("a live lane");
        }
    });
    lane.shutdown();
    assert_eq!(lane.status().state, LaneState::Stopped);
    within_a_minute(async {
        assert_eq!(lane.statistics().await, Err(Failure::Stopped));
        assert_eq!(lane.swap(lru().0, Vec::new()).await, Err(Failure::Stopped));
        for key in 0..50 {
            insert(&model, &lane, &key.to_string()).await;
        }
    });
    assert_eq!(model.need(), 0);
    drop(lane);
    assert_eq!(Arc::strong_count(&model), 1, "the thread has let go of the store");
}

#[test]
fn the_end_sends_away_who_waits_for_room() {
    let (source, begins, open) = gated();
    let (model, lane) = start(source, 10, |_| {});
    assert!(model.insert("0", 1));
    begins.recv().expect("a step begins");
    for key in 1..10 {
        assert!(model.insert(&key.to_string(), 1));
    }
    let lane = Arc::new(lane);
    within_a_minute(async {
        let ended = tokio::task::spawn_blocking({
            let lane = lane.clone();
            move || lane.shutdown()
        });
        let inserted = insert(&model, &lane, "late");
        drop(open);
        inserted.await;
        ended.await.expect("joined");
    });
    assert!(model.keys().contains("late"));
}
