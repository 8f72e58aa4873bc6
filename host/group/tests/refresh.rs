//! Values that are loaded again before they expire, or just after.

use super::*;
use crate::telemetry::{GetResult, SourceEvent};
use crate::value::Origin;

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(60);

fn events(rig: &Rig, event: SourceEvent) -> u64 {
    rig.group.counters().snapshot().source_events[event as usize]
}

/// A group that keeps values for a minute, with such a value of Tom.
async fn rig_with_tom(change: impl FnOnce(&mut GroupConfig)) -> Rig {
    let mut rig = rig_with(|config| {
        config.ttl = Some(TTL);
        config.ttl_jitter_percent = 0;
        change(config);
    });
    rig.load("Tom", "630").await;
    rig
}

async fn revalidating() -> Rig {
    let rig = rig_with_tom(|config| config.stale_while_revalidate = SECOND * 10).await;
    rig.clock.advance(60_000);
    rig
}

/// A get that is answered at once, whatever the source does.
async fn at_once(rig: &Rig, key: &str) -> Answer {
    rig.group.get(key, PATIENCE).await.expect("it is in memory")
}

async fn renewed(rig: &Rig, key: &str, value: &str) {
    while at_once(rig, key).await.value != value {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_expired_value_is_answered_at_once_while_one_load_renews_it() {
    let mut rig = revalidating().await;
    for _ in 0..10 {
        let answer = at_once(&rig, "Tom").await;
        assert_eq!((&answer.value[..], answer.origin), (&b"630"[..], Origin::Stale));
    }
    let call = rig.calls.recv().await.unwrap();
    assert!(rig.calls.try_recv().is_err(), "one load is enough");
    call.finds("631");
    renewed(&rig, "Tom", "631").await;
    assert_eq!(rig.held("Tom").await.unwrap().value, "631");
    assert_eq!(events(&rig, SourceEvent::Revalidated), 1);
    assert!(rig.group.counters().snapshot().gets(GetResult::Stale) >= 10);
}

#[tokio::test]
async fn after_its_time_a_get_waits_for_the_source_again() {
    let mut rig = revalidating().await;
    rig.clock.advance(10_000);
    assert_eq!(rig.load("Tom", "631").await.value, "631");
    assert_eq!(events(&rig, SourceEvent::Revalidated), 0);
}

#[tokio::test]
async fn a_value_that_is_only_revalidated_is_no_answer_to_an_error() {
    let mut rig = revalidating().await;
    assert_eq!(at_once(&rig, "Tom").await.origin, Origin::Stale);
    rig.calls.recv().await.unwrap().ends(Err(FetchError::Unavailable("refused".into())));
    while rig.group.source_state().0 == "running" {
        tokio::task::yield_now().await;
    }
    // Within its time it is answered all the same, without a load while the source is away.
    assert_eq!(at_once(&rig, "Tom").await.origin, Origin::Stale);
    assert!(rig.calls.try_recv().is_err());
    rig.clock.advance(10_000);
    let (get, call) = rig.begin("Tom").await;
    call.ends(Err(FetchError::Unavailable("refused".into())));
    get.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_set_or_remove_is_not_overwritten_by_a_load_that_began_before() {
    for removes in [false, true] {
        let mut rig = revalidating().await;
        at_once(&rig, "Tom").await;
        let call = rig.calls.recv().await.unwrap();
        match removes {
            true => drop(rig.group.remove("Tom", PATIENCE).await.unwrap()),
            false => rig.set("Tom", "new").await,
        }
        call.finds("old");
        while rig.group.counters().snapshot().loads(crate::telemetry::LoadOutcome::Found) < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        match removes {
            true => assert!(!rig.holds("Tom")),
            false => assert_eq!(rig.held("Tom").await.unwrap().value, "new"),
        }
    }
}

#[tokio::test]
async fn a_value_in_use_is_renewed_before_it_expires() {
    let mut rig = rig_with_tom(|config| config.refresh_ahead = RefreshAhead::Percent(10)).await;
    rig.clock.advance(53_999);
    rig.held("Tom").await.unwrap();
    tokio::task::yield_now().await;
    assert!(rig.calls.try_recv().is_err(), "it is not the last part of its ttl");
    rig.clock.advance(2);
    for _ in 0..10 {
        assert_eq!(at_once(&rig, "Tom").await.origin, Origin::Hit);
    }
    let call = rig.calls.recv().await.unwrap();
    assert!(rig.calls.try_recv().is_err(), "one load is enough");
    call.finds("631");
    renewed(&rig, "Tom", "631").await;
    let ttl = rig.held("Tom").await.unwrap().ttl;
    assert_eq!(ttl, Some(TTL));
    assert_eq!(events(&rig, SourceEvent::RefreshedAhead), 1);
}

#[tokio::test]
async fn a_value_that_is_kept_for_a_short_time_is_not_loaded_all_the_time() {
    let mut rig =
        rig_with_tom(|config| config.refresh_ahead = RefreshAhead::Before(SECOND * 20)).await;
    rig.load_for("Jack", "589", Some(SECOND * 29)).await;
    rig.load_for("Sam", "567", Some(SECOND * 30)).await;
    rig.clock.advance(15_000);
    rig.held("Jack").await.unwrap();
    at_once(&rig, "Sam").await;
    assert_eq!(rig.calls.recv().await.unwrap().key, "Sam");
    assert!(rig.calls.try_recv().is_err());
    assert_eq!(events(&rig, SourceEvent::RefreshedAhead), 1);
}

#[tokio::test]
async fn without_the_setting_a_hit_begins_nothing() {
    let mut rig = rig_with_tom(|_| ()).await;
    rig.clock.advance(59_999);
    rig.held("Tom").await.unwrap();
    tokio::task::yield_now().await;
    assert!(rig.calls.try_recv().is_err());
}

#[tokio::test]
async fn a_get_that_misses_joins_the_load() {
    let mut rig = rig_with_tom(|config| {
        config.refresh_ahead = RefreshAhead::Percent(10);
        config.load_timeout = TTL;
    })
    .await;
    rig.clock.advance(55_000);
    at_once(&rig, "Tom").await;
    let call = rig.calls.recv().await.unwrap();
    rig.clock.advance(5_000);
    let group = Arc::clone(&rig.group);
    let get = tokio::spawn(async move { group.get("Tom", PATIENCE).await });
    tokio::task::yield_now().await;
    call.finds("631");
    assert_eq!(get.await.unwrap().unwrap().value, "631");
    assert!(rig.calls.try_recv().is_err(), "there was one load");
}

#[tokio::test]
async fn a_busy_source_costs_the_load_and_not_the_get() {
    let mut rig = rig_with_tom(|config| {
        config.refresh_ahead = RefreshAhead::Percent(10);
        config.stale_while_revalidate = SECOND * 10;
    })
    .await;
    rig.state.is_busy.store(true, Ordering::Relaxed);
    rig.clock.advance(55_000);
    assert_eq!(at_once(&rig, "Tom").await.origin, Origin::Hit);
    rig.clock.advance(5_000);
    assert_eq!(at_once(&rig, "Tom").await.origin, Origin::Stale);
    tokio::task::yield_now().await;
    assert!(rig.calls.try_recv().is_err());
    assert_eq!(events(&rig, SourceEvent::RefreshDropped), 2);
}

#[tokio::test]
async fn a_reload_turns_it_on_and_off() {
    let mut rig = rig_with_tom(|_| ()).await;
    let mut config = (*rig.group.config()).clone();
    config.refresh_ahead = RefreshAhead::Percent(50);
    rig.group.reload(&config).unwrap();
    rig.clock.advance(31_000);
    rig.held("Tom").await.unwrap();
    // What was stored before is not marked.
    assert_eq!(events(&rig, SourceEvent::RefreshedAhead), 0);
    rig.load("Jack", "589").await;
    rig.clock.advance(29_000 + 2_000);
    at_once(&rig, "Jack").await;
    assert_eq!(rig.calls.recv().await.unwrap().key, "Jack");
    config.refresh_ahead = RefreshAhead::Percent(51);
    rig.group.reload(&config).unwrap_err();
}
