//! Sources that are unavailable or slow: retries, the breaker, and what counts as which.

use super::*;
use crate::error::Error;
use crate::telemetry::{LoadOutcome, SourceEvent};

const SECOND: Duration = Duration::from_secs(1);

fn down() -> Fetch {
    Err(FetchError::Unavailable("refused".into()))
}

fn retries(rig: &Rig) -> u64 {
    rig.group.counters().snapshot().source_events[SourceEvent::Retry as usize]
}

/// A get of a key that asks the source once, which answers with `fetch`.
async fn asks(rig: &mut Rig, key: &'static str, fetch: Fetch) -> Reply {
    let (get, call) = rig.begin(key).await;
    call.ends(fetch);
    get.await.unwrap()
}

/// A get that must be answered without the source.
async fn not_asked(rig: &mut Rig, key: &str) -> Reply {
    let reply = rig.group.get(key, PATIENCE).await;
    assert!(rig.calls.try_recv().is_err(), "the source was asked");
    reply
}

/// Waits until a load pauses before its retry, and lets the pause pass.
async fn pass_pause(rig: &Rig, before: u64) {
    while retries(rig) == before {
        tokio::task::yield_now().await;
    }
    rig.clock.advance(1_000);
}

#[tokio::test]
async fn an_unavailable_source_is_asked_again_and_the_caller_waits() {
    let mut rig = rig_with(|config| config.retries = 2);
    let (get, call) = rig.begin("Tom").await;
    call.ends(down());
    pass_pause(&rig, 0).await;
    let again = rig.calls.recv().await.unwrap();
    again.ends(down());
    pass_pause(&rig, 1).await;
    rig.calls.recv().await.unwrap().finds("630");
    assert_eq!(get.await.unwrap().unwrap().value, "630");
    let counts = rig.group.counters().snapshot();
    assert_eq!((counts.loads(LoadOutcome::Found), retries(&rig)), (1, 2), "it was one load");
}

#[tokio::test]
async fn no_other_failure_is_asked_again() {
    let mut rig = rig_with(|config| config.retries = 2);
    for fetch in [
        Err(FetchError::Timeout(SECOND)),
        Err(FetchError::Rejected("password".into())),
        Err(FetchError::BadValue("NULL".into())),
        Err(FetchError::Broken("trap".into())),
        Err(FetchError::Full(1)),
    ] {
        asks(&mut rig, "Tom", fetch).await.unwrap_err();
    }
    assert_eq!(retries(&rig), 0);
}

#[tokio::test]
async fn retries_end_with_the_time_of_the_load() {
    let mut rig = rig_with(|config| {
        config.retries = 10;
        // Shorter than half of the first pause.
        config.load_timeout = Duration::from_millis(20);
    });
    let failed = asks(&mut rig, "Tom", down()).await;
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "{failed:?}");
    assert_eq!(retries(&rig), 0);
}

#[tokio::test]
async fn after_so_many_failures_loads_fail_at_once_and_one_a_second_asks() {
    let mut rig = rig_with(|config| config.breaker = Some(3));
    for key in ["a", "b", "c"] {
        asks(&mut rig, key, down()).await.unwrap_err();
    }
    for _ in 0..10 {
        match not_asked(&mut rig, "d").await {
            Err(Error::Unavailable { who, reason }) => {
                assert!(who.contains("gated"), "{who}");
                assert!(reason.contains("3 times in a row"), "{reason}");
                assert!(reason.contains("asked again in 1000 ms"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    rig.clock.advance(1_000);
    let (probe, call) = rig.begin("d").await;
    not_asked(&mut rig, "e").await.unwrap_err();
    call.ends(down());
    probe.await.unwrap().unwrap_err();
    not_asked(&mut rig, "f").await.unwrap_err();
    rig.clock.advance(1_000);
    assert_eq!(rig.load("d", "1").await.value, "1");
    assert_eq!(rig.load("e", "2").await.value, "2", "it answers again");
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Breaker), 12);
}

#[tokio::test]
async fn a_source_that_answers_now_and_then_breaks_nothing() {
    let mut rig = rig_with(|config| config.breaker = Some(2));
    for _ in 0..5 {
        asks(&mut rig, "a", down()).await.unwrap_err();
        asks(&mut rig, "a", Err(FetchError::BadValue("NULL".into()))).await.unwrap_err();
    }
    for _ in 0..5 {
        asks(&mut rig, "a", Err(FetchError::Timeout(SECOND))).await.unwrap_err();
    }
    assert_eq!(rig.group.counters().snapshot().loads(LoadOutcome::Breaker), 0);
}

#[tokio::test]
async fn a_probe_is_asked_instead_of_a_load_until_it_finds_the_source() {
    let mut rig = rig_with(|config| config.breaker = Some(1));
    let probes = vec![Err(FetchError::Unavailable("still".into())), Ok(())];
    *rig.state.probes.lock() = Some(probes);
    asks(&mut rig, "a", down()).await.unwrap_err();
    rig.clock.advance(1_000);
    let failed = not_asked(&mut rig, "a").await;
    assert!(matches!(&failed, Err(Error::Unavailable { reason, .. }) if reason == "still"));
    rig.clock.advance(1_000);
    assert_eq!(rig.load("a", "1").await.value, "1");
}

#[tokio::test]
async fn expired_values_are_answered_while_the_breaker_is_open_and_it_closes_by_itself() {
    let mut rig = rig_with(|config| {
        config.ttl = Some(SECOND * 60);
        config.ttl_jitter_percent = 0;
        config.stale_if_error = SECOND * 3_600;
        config.breaker = Some(1);
    });
    rig.load("Tom", "630").await;
    rig.clock.advance(60_000);
    assert_eq!(asks(&mut rig, "Tom", down()).await.unwrap().origin, Origin::Stale);
    assert_eq!(not_asked(&mut rig, "Tom").await.unwrap().origin, Origin::Stale);
    rig.clock.advance(1_000);
    assert_eq!(rig.load("Tom", "631").await.value, "631");
    assert_eq!(rig.load("Jack", "589").await.value, "589");
}

#[tokio::test]
async fn one_load_that_is_late_does_not_make_a_slow_source_of_it() {
    let mut rig = rig_with(|config| {
        config.ttl = Some(SECOND * 60);
        config.ttl_jitter_percent = 0;
        config.stale_if_error = SECOND * 3_600;
    });
    let late = || Err(FetchError::Timeout(SECOND));
    rig.load("Tom", "630").await;
    rig.clock.advance(60_000);
    for _ in 0..2 {
        asks(&mut rig, "Jack", late()).await.unwrap_err();
        assert_eq!(rig.group.source_state().0, "running");
    }
    // So a get of an expired value asks it still.
    assert_eq!(asks(&mut rig, "Tom", late()).await.unwrap().origin, Origin::Stale);
    assert_eq!(rig.group.source_state().0, "slow");
    assert_eq!(not_asked(&mut rig, "Tom").await.unwrap().origin, Origin::Stale);
    rig.clock.advance(1_000);
    assert_eq!(rig.load("Tom", "631").await.value, "631");
    assert_eq!(rig.group.source_state(), ("running", String::new()));
}

#[tokio::test]
async fn a_probe_at_the_start_tells_before_the_first_load() {
    let rig = rig();
    *rig.state.probes.lock() = Some(vec![Err(FetchError::Unavailable("refused".into()))]);
    rig.group.probe_source().await;
    assert_eq!(rig.group.source_state(), ("unavailable", "unavailable: refused".into()));
}

#[tokio::test]
async fn a_key_that_the_source_can_not_have_is_not_asked_for_again() {
    let mut rig = rig_with(|config| config.negative_ttl = SECOND * 3);
    let bad = || Err(FetchError::BadKey("no number".into()));
    let refused = asks(&mut rig, "Tom", bad()).await;
    assert_eq!(refused, Err(Error::InvalidKey { problem: "no number".into() }));
    assert_eq!(not_asked(&mut rig, "Tom").await, Err(Error::NotFound));
    rig.clock.advance(3_000);
    assert_eq!(rig.load("Tom", "630").await.value, "630");
}
