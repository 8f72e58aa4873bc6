//! Sizes, deadlines, and what callers are told of a source's failures.

use super::*;
use crate::error::Error;
use crate::telemetry::{GetResult, LoadOutcome};

const SHORT: Duration = Duration::from_millis(5);

#[tokio::test]
async fn a_set_beyond_the_capacity_is_refused_and_evicts_no_other_key() {
    let mut rig = rig();
    rig.set("Tom", "630").await;
    rig.set("Jack", "589").await;
    let refused = rig.group.set("Tom", vec![0; CAPACITY as usize].into(), None, PATIENCE).await;
    assert!(matches!(refused, Err(Error::TooLarge { limit: CAPACITY, .. })), "{refused:?}");
    assert_eq!(rig.held("Jack").await.unwrap().value, "589");
    assert!(!rig.holds("Tom"), "its caller wanted the older value gone");
}

#[tokio::test]
async fn a_set_beyond_the_longest_value_is_refused() {
    let rig = rig_with(|config| config.max_value_bytes = 3);
    rig.set("Tom", "630").await;
    let refused = rig.group.set("Tom", "6300".into(), None, PATIENCE).await;
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 4, limit: 3, .. })), "{refused:?}");
    assert!(!rig.holds("Tom"));
}

#[tokio::test]
async fn a_loaded_value_beyond_the_capacity_is_answered_but_not_kept() {
    let mut rig = rig();
    rig.set("Jack", "589").await;
    let large = "x".repeat(CAPACITY as usize);
    assert_eq!(rig.load("Tom", &large).await.value, large);
    assert!(!rig.holds("Tom") && rig.holds("Jack"));
    assert_eq!(rig.load("Tom", "630").await.value, "630", "the next get loads anew");
}

#[tokio::test]
async fn a_loaded_value_beyond_the_longest_is_refused() {
    let mut rig = rig_with(|config| config.max_value_bytes = 3);
    let (get, call) = rig.begin("Tom").await;
    call.finds("6300");
    let refused = get.await.unwrap();
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 4, limit: 3, .. })), "{refused:?}");
    assert!(!rig.holds("Tom"));
}

#[tokio::test]
async fn a_full_store_makes_room() {
    let mut rig = rig();
    let value = "x".repeat(8 << 10);
    for n in 0..40 {
        let key: &'static str = Box::leak(n.to_string().into_boxed_str());
        match n % 2 {
            0 => rig.set(key, &value).await,
            _ => drop(rig.load(key, &value).await),
        }
        assert!(rig.holds(key), "{key}");
        assert!(rig.group.parts().store.stats().bytes <= CAPACITY);
    }
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_it_said() {
    let mut rig = rig();
    let (get, mut call) = rig.begin_within("Tom", SHORT).await;
    rig.clock.advance(SHORT.as_millis() as u64);
    assert_eq!(get.await.unwrap(), Err(Error::DeadlineExceeded { after: SHORT }));
    call.answer.closed().await;
    assert_eq!(rig.group.counters().snapshot().gets(GetResult::Error), 1);
}

#[tokio::test]
async fn a_load_takes_no_longer_than_the_group_says() {
    let mut rig = rig_with(|config| config.load_timeout = SHORT);
    let (get, mut call) = rig.begin("Tom").await;
    rig.clock.advance(SHORT.as_millis() as u64);
    assert_eq!(get.await.unwrap(), Err(Error::DeadlineExceeded { after: SHORT }));
    call.answer.closed().await;
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Timeout), 1);
    assert!(!rig.holds("Tom"));
}

#[tokio::test]
async fn each_failure_has_its_error_and_none_is_remembered() {
    let mut rig = rig();
    let why = || "why".to_owned();
    let who = || "the source \"gated\" of group \"scores\"".to_owned();
    let cases = [
        (FetchError::Unavailable(why()), Error::Unavailable { who: who(), reason: why() }),
        (FetchError::Rejected(why()), Error::SourceRejected { reason: why() }),
        (FetchError::BadValue(why()), Error::BadValue { reason: why() }),
        (FetchError::Timeout(SHORT), Error::DeadlineExceeded { after: SHORT }),
        (FetchError::Broken(why()), Error::Unavailable { who: who(), reason: why() }),
        (FetchError::Full(7), Error::Overloaded { group: "scores".into(), waiting: 7 }),
    ];
    for (failure, error) in cases {
        let (get, call) = rig.begin("Tom").await;
        call.ends(Err(failure));
        assert_eq!(get.await.unwrap(), Err(error));
        assert!(!rig.holds("Tom"));
    }
    let counts = rig.group.counters().snapshot();
    assert_eq!(counts.loads[0].outcomes, [0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0]);
    assert_eq!(counts.loads[0].seconds.count(), 6);
    assert_eq!(counts.gets(GetResult::Error), 6);
}

#[tokio::test]
async fn a_key_that_can_not_be_one_is_refused() {
    let rig = rig();
    for key in [String::new(), "x".repeat(1025)] {
        let results = [
            rig.group.get(&key, PATIENCE).await.map(drop),
            rig.group.set(&key, "1".into(), None, PATIENCE).await,
            rig.group.remove(&key, PATIENCE).await.map(drop),
        ];
        assert!(results.iter().all(|r| matches!(r, Err(Error::InvalidKey { .. }))), "{results:?}");
    }
}

#[test]
fn a_configuration_that_can_not_be_meant_is_refused() {
    type Change = fn(&mut GroupConfig);
    let changes: [(&str, Change); 10] = [
        ("name", |config| config.name.clear()),
        ("ttl", |config| config.ttl = Some(Duration::ZERO)),
        ("ttl-jitter", |config| config.ttl_jitter_percent = 101),
        ("negative-ttl", |config| config.negative_ttl = Duration::MAX),
        ("stale-if-error", |config| config.stale_if_error = Duration::MAX),
        ("stale-while-revalidate", |config| config.stale_while_revalidate = Duration::MAX),
        ("refresh-ahead", |config| config.refresh_ahead = RefreshAhead::Percent(10)),
        ("refresh-ahead", |config| {
            config.ttl = Some(SHORT);
            config.refresh_ahead = RefreshAhead::Before(SHORT);
        }),
        ("breaker", |config| config.breaker = Some(0)),
        ("load-timeout", |config| config.load_timeout = Duration::ZERO),
    ];
    assert_eq!(GroupConfig::named("scores").check(), Ok(()));
    for (field, change) in changes {
        let mut config = GroupConfig::named("scores");
        change(&mut config);
        let refused = config.check();
        let Err(Error::InvalidArgument { argument, .. }) = refused else { panic!("{field}") };
        assert_eq!(argument, field);
    }
}

#[tokio::test]
async fn a_new_capacity_whose_caller_leaves_is_that_of_the_store_and_of_the_policy() {
    let rig = rig();
    let [before, after] =
        [1, 4].map(|times| StoreConfig { capacity_bytes: times * CAPACITY, max_entries: None });
    let (store, worker) = (&rig.group.parts().store, &rig.group.parts().worker);
    let entries = store.stats().max_entries;
    let mut resize = Box::pin(rig.group.resize(&before, &after));
    let _ = futures::poll!(&mut resize);
    drop(resize);
    let resized = async {
        // The slots are opened last.
        while store.stats().max_entries == entries {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, resized).await.expect("the change goes on");
    assert_eq!(worker.policy().capacity, after.capacity_bytes);
}
