//! How long entries live, and that they go by themselves.

use super::*;
use crate::error::Error;
use crate::group::{MAX_TTL, ttl};
use crate::telemetry::GetResult;

const SECOND: Duration = Duration::from_secs(1);

fn with_ttl(seconds: u64, jitter_percent: u8) -> Rig {
    rig_with(|config| {
        config.ttl = Some(SECOND * seconds as u32);
        config.ttl_jitter_percent = jitter_percent;
    })
}

async fn ttl_of(rig: &mut Rig, key: &str) -> Option<Duration> {
    rig.held(key).await.unwrap().ttl
}

#[tokio::test]
async fn a_value_brings_its_own_ttl_or_takes_the_groups() {
    let mut rig = with_ttl(60, 0);
    assert_eq!(rig.load("Tom", "630").await.ttl, Some(SECOND * 60));
    assert_eq!(rig.load_for("Jack", "589", Some(SECOND * 90)).await.ttl, Some(SECOND * 90));
    rig.set("Sam", "567").await;
    rig.group.set("Ann", "1".into(), Some(SECOND * 5), PATIENCE).await.unwrap();
    for (key, seconds) in [("Tom", 60), ("Jack", 90), ("Sam", 60), ("Ann", 5)] {
        assert_eq!(ttl_of(&mut rig, key).await, Some(SECOND * seconds), "{key}");
    }
    rig.clock.advance(4_000);
    assert_eq!(ttl_of(&mut rig, "Ann").await, Some(SECOND));
    assert_eq!(rig.load_for("Eve", "2", Some(Duration::MAX)).await.ttl, Some(MAX_TTL));
}

#[tokio::test]
async fn without_a_ttl_a_value_stays() {
    let mut rig = rig();
    assert_eq!(rig.load("Tom", "630").await.ttl, None);
    rig.clock.advance(MAX_TTL.as_millis() as u64);
    assert_eq!(ttl_of(&mut rig, "Tom").await, None);
}

#[tokio::test]
async fn a_value_is_not_answered_once_its_time_is_up() {
    let mut rig = with_ttl(60, 0);
    rig.load("Tom", "630").await;
    rig.clock.advance(59_999);
    assert_eq!(rig.held("Tom").await.unwrap().value, "630");
    rig.clock.advance(1);
    assert_eq!(rig.load("Tom", "631").await.value, "631");
}

#[tokio::test]
async fn a_value_with_no_time_at_all_is_answered_but_not_kept() {
    let mut rig = rig();
    assert_eq!(rig.load_for("Tom", "630", Some(Duration::ZERO)).await.value, "630");
    assert!(!rig.holds("Tom"));
}

#[tokio::test]
async fn jitter_shortens_the_groups_ttl_within_its_bound() {
    let mut rig = with_ttl(100, 20);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        rig.set("Tom", "630").await;
        let ttl = ttl_of(&mut rig, "Tom").await.unwrap();
        assert!(ttl >= SECOND * 80 && ttl <= SECOND * 100, "{ttl:?}");
        seen.insert(ttl);
    }
    assert!(seen.len() > 100, "only {} different ones", seen.len());
    rig.group.set("Tom", "630".into(), Some(SECOND * 100), PATIENCE).await.unwrap();
    assert_eq!(ttl_of(&mut rig, "Tom").await, Some(SECOND * 100), "asked for exactly that");
}

#[test]
fn shortening_reaches_both_ends() {
    let ttl = |chance| ttl::shortened(SECOND * 100, 20, chance);
    assert_eq!([ttl(0.0), ttl(0.5), ttl(1.0)], [SECOND * 100, SECOND * 90, SECOND * 80]);
    assert_eq!(ttl::deadline_ms(7, Some(Duration::from_nanos(1))), Some(8));
}

#[tokio::test]
async fn a_ttl_that_can_not_be_meant_is_refused() {
    let mut rig = rig();
    rig.set("Tom", "630").await;
    for ttl in [Duration::ZERO, MAX_TTL + SECOND, Duration::MAX] {
        let refused = rig.group.set("Tom", "1".into(), Some(ttl), PATIENCE).await;
        assert!(matches!(refused, Err(Error::InvalidArgument { argument: "ttl", .. })), "{ttl:?}");
    }
    assert_eq!(rig.held("Tom").await.unwrap().value, "630");
}

#[tokio::test]
async fn an_absence_is_remembered_for_its_own_time() {
    let mut rig = rig_with(|config| config.negative_ttl = SECOND * 3);
    let (get, call) = rig.begin("Ann").await;
    call.ends(Ok(None));
    assert_eq!(get.await.unwrap(), Err(Error::NotFound));
    rig.clock.advance(2_999);
    assert_eq!(rig.held("Ann").await, Err(Error::NotFound));
    rig.clock.advance(1);
    assert_eq!(rig.load("Ann", "1").await.value, "1");
    let counts = rig.group.counters().snapshot();
    assert_eq!((counts.gets(GetResult::Negative), counts.gets(GetResult::Miss)), (1, 2));
}

#[tokio::test]
async fn absences_need_not_be_remembered() {
    let mut rig = rig_with(|config| config.negative_ttl = Duration::ZERO);
    let (get, call) = rig.begin("Ann").await;
    call.ends(Ok(None));
    assert_eq!(get.await.unwrap(), Err(Error::NotFound));
    assert!(!rig.holds("Ann"));
}

#[tokio::test]
async fn expired_entries_leave_without_being_asked_for() {
    let rig = with_ttl(3600, 0);
    for key in ["Tom", "Jack", "Sam"] {
        rig.set(key, "1").await;
    }
    tokio::task::yield_now().await;
    // The collector sleeps for an hour now; an earlier deadline wakes it.
    rig.group.set("Ann", "2".into(), Some(Duration::from_millis(1)), PATIENCE).await.unwrap();
    rig.clock.advance(3_600_000);
    let store = Arc::clone(&rig.group.parts().store);
    let empty = async {
        while store.stats().entries > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.expect("collected");
    assert_eq!((store.stats().bytes, store.stats().evictions.expired), (0, 4));
}

#[tokio::test]
async fn the_collector_ends_with_the_group() {
    let Rig { group, calls, .. } = rig();
    let store = Arc::downgrade(&group.parts().store);
    drop((group, calls));
    let gone = async {
        while store.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("nothing holds the store");
}
