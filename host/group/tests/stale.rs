//! Expired values while the source does not answer.

use super::*;
use crate::error::Error;
use crate::telemetry::GetResult;

const SECOND: Duration = Duration::from_secs(1);

fn down() -> Fetch {
    Err(FetchError::Unavailable("refused".into()))
}

/// A group with a time to live of one minute that keeps values for an hour longer, with
/// such a value of Tom.
async fn rig_with_expired() -> Rig {
    let mut rig = rig_with(|config| {
        config.ttl = Some(SECOND * 60);
        config.ttl_jitter_percent = 0;
        config.stale_if_error = SECOND * 3_600;
    });
    rig.load("Tom", "630").await;
    rig.clock.advance(60_000);
    rig
}

/// A get that asks the source, which answers with `fetch`.
async fn asks(rig: &mut Rig, fetch: Fetch) -> Reply {
    let (get, call) = rig.begin("Tom").await;
    call.ends(fetch);
    get.await.unwrap()
}

#[tokio::test]
async fn an_expired_value_is_answered_where_the_source_does_not_answer() {
    let mut rig = rig_with_expired().await;
    for fetch in [down(), Err(FetchError::Timeout(SECOND)), Err(FetchError::Broken("trap".into()))]
    {
        let answer = asks(&mut rig, fetch).await.unwrap();
        assert_eq!((&answer.value[..], answer.origin), (&b"630"[..], Origin::Stale));
        assert_eq!(answer.ttl, Some(Duration::ZERO));
        rig.clock.advance(1_000);
    }
    assert_eq!(rig.group.counters().snapshot().gets(GetResult::Stale), 3);
    // What the source does answer counts.
    let rejected = asks(&mut rig, Err(FetchError::Rejected("password".into()))).await;
    assert!(matches!(rejected, Err(Error::SourceRejected { .. })), "{rejected:?}");
    assert_eq!(asks(&mut rig, Ok(None)).await, Err(Error::NotFound));
    assert_eq!(rig.held("Tom").await, Err(Error::NotFound));
}

#[tokio::test]
async fn what_the_source_said_last_is_not_followed_by_what_it_said_before() {
    let mut rig = rig_with(|config| {
        config.ttl = Some(SECOND * 60);
        config.ttl_jitter_percent = 0;
        config.negative_ttl = Duration::ZERO;
        config.stale_if_error = SECOND * 3_600;
    });
    rig.load("Tom", "630").await;
    rig.clock.advance(60_000);
    assert_eq!(asks(&mut rig, Ok(None)).await, Err(Error::NotFound));
    let failed = asks(&mut rig, down()).await;
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "{failed:?}");
}

#[tokio::test]
async fn only_one_get_a_second_asks_a_source_that_does_not_answer() {
    let mut rig = rig_with_expired().await;
    asks(&mut rig, down()).await.unwrap();
    for _ in 0..10 {
        let answer = rig.group.get("Tom", PATIENCE).await.unwrap();
        assert_eq!(answer.origin, Origin::Stale);
    }
    assert!(rig.calls.try_recv().is_err(), "the source was asked");
    rig.clock.advance(1_000);
    let (probe, call) = rig.begin("Tom").await;
    assert_eq!(rig.group.get("Tom", PATIENCE).await.unwrap().origin, Origin::Stale);
    call.finds("631");
    assert_eq!(probe.await.unwrap().unwrap().value, "631");
    assert_eq!(rig.held("Tom").await.unwrap().value, "631");
}

#[tokio::test]
async fn a_caller_whose_time_is_up_before_the_source_answers_gets_it_too() {
    let mut rig = rig_with_expired().await;
    let (get, _call) = rig.begin_within("Tom", SECOND).await;
    rig.clock.advance(1_000);
    assert_eq!(get.await.unwrap().unwrap().origin, Origin::Stale);
}

#[tokio::test]
async fn a_value_that_was_changed_or_kept_for_too_long_does_not_come_back() {
    let mut rig = rig_with_expired().await;
    rig.group.remove("Tom", PATIENCE).await.unwrap();
    let removed = asks(&mut rig, down()).await;
    assert!(matches!(removed, Err(Error::Unavailable { .. })), "{removed:?}");

    let mut rig = rig_with_expired().await;
    rig.clock.advance(3_600_000);
    let late = asks(&mut rig, down()).await;
    assert!(matches!(late, Err(Error::Unavailable { .. })), "{late:?}");
    while rig.group.parts().store.stats().entries > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_the_setting_nothing_expired_is_kept() {
    let mut rig = rig_with(|config| config.ttl = Some(SECOND));
    rig.load("Tom", "630").await;
    rig.clock.advance(1_000);
    let gone = asks(&mut rig, down()).await;
    assert!(matches!(gone, Err(Error::Unavailable { .. })), "{gone:?}");
    assert_eq!(rig.group.parts().store.stats().entries, 0);
}
