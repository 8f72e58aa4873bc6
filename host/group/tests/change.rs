//! Set, remove and clear against loads under way.

use super::*;
use crate::error::Error;

#[tokio::test]
async fn a_load_that_a_remove_overtook_is_answered_but_not_kept() {
    let mut rig = rig();
    let (before, old) = rig.begin("Tom").await;
    assert!(!rig.group.remove("Tom", PATIENCE).await.unwrap());
    // The remove returned, so this get must not join the load from before.
    let (after, new) = rig.begin("Tom").await;
    new.finds("new");
    assert_eq!(after.await.unwrap().unwrap().value, "new");
    old.finds("old");
    assert_eq!(before.await.unwrap().unwrap().value, "old");
    assert_eq!(rig.held("Tom").await.unwrap().value, "new");
}

#[tokio::test]
async fn a_load_that_a_remove_overtook_leaves_nothing_behind() {
    let mut rig = rig();
    let (before, old) = rig.begin("Tom").await;
    rig.group.remove("Tom", PATIENCE).await.unwrap();
    old.finds("old");
    before.await.unwrap().unwrap();
    assert!(!rig.holds("Tom"));
    assert_eq!(rig.group.parts().store.stats().bytes, 0, "its room was given back");
}

#[tokio::test]
async fn remove_tells_whether_there_was_something() {
    let mut rig = rig();
    rig.load("Tom", "630").await;
    assert!(rig.group.remove("Tom", PATIENCE).await.unwrap());
    assert!(!rig.group.remove("Tom", PATIENCE).await.unwrap());
    assert_eq!(rig.load("Tom", "631").await.value, "631");
}

#[tokio::test]
async fn a_set_during_a_load_wins() {
    let mut rig = rig();
    let (get, call) = rig.begin("Tom").await;
    rig.set("Tom", "set").await;
    assert_eq!(rig.held("Tom").await.unwrap().value, "set");
    call.finds("loaded");
    assert_eq!(get.await.unwrap().unwrap().value, "loaded", "asked before the set");
    assert_eq!(rig.held("Tom").await.unwrap().value, "set");
}

#[tokio::test]
async fn a_clear_during_loads_wins() {
    let mut rig = rig();
    rig.set("Sam", "567").await;
    rig.load("Jack", "589").await;
    let (get, call) = rig.begin("Tom").await;
    assert_eq!(rig.group.clear(PATIENCE).await, Ok(2));
    call.finds("630");
    get.await.unwrap().unwrap();
    assert!(!["Tom", "Jack", "Sam"].iter().any(|key| rig.holds(key)));
}

#[tokio::test]
async fn set_and_remove_end_what_is_known_of_an_absence() {
    let mut rig = rig();
    for set in [true, false] {
        let (get, call) = rig.begin("Ann").await;
        call.ends(Ok(None));
        assert_eq!(get.await.unwrap(), Err(Error::NotFound));
        assert_eq!(rig.held("Ann").await, Err(Error::NotFound));
        if set {
            rig.set("Ann", "1").await;
            assert_eq!(rig.held("Ann").await.unwrap().value, "1");
        }
        rig.group.remove("Ann", PATIENCE).await.unwrap();
        assert!(!rig.holds("Ann"));
    }
}

#[tokio::test]
async fn a_set_is_read_without_a_source() {
    let (group, _) = group_over(None, |_| ());
    group.set("Tom", "630".into(), None, PATIENCE).await.unwrap();
    assert_eq!(group.get("Tom", PATIENCE).await.unwrap().value, "630");
    let missing = group.get("Jack", PATIENCE).await;
    assert_eq!(missing, Err(Error::NoRetriever { group: "scores".into() }));
}
