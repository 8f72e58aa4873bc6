//! What listeners are told.

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::store::{
    Access, AccessKind, ENTRY_OVERHEAD, Listening, NewEntry, Sample, Store, StoreConfig,
};

fn store() -> Arc<Store> {
    let config = StoreConfig { capacity_bytes: 1 << 30, max_entries: None };
    Store::new(config, Clock::manual(), Box::new(|| {}))
}

fn load(store: &Arc<Store>, key: &str, is_set: bool) {
    let room = store.reserve(key.len(), 3).unwrap();
    let value = Some(Bytes::from_static(b"630"));
    let entry = NewEntry { value, deadline_ms: Some(500), cost_us: 9 };
    let commit = if is_set { Store::commit_set } else { Store::commit };
    commit(store, room, key, store.hash(key), entry);
}

fn taken(listening: &Listening) -> Vec<Access> {
    std::iter::from_fn(|| listening.take()).collect()
}

fn kinds(listening: &Listening) -> Vec<AccessKind> {
    taken(listening).into_iter().map(|access| access.kind).collect()
}

#[test]
fn every_access_is_told_in_order_with_what_is_known_of_the_entry() {
    let store = store();
    let listening = store.listen(Sample::of(1.0), 100, true);
    let hash = store.hash("Tom");
    store.missed("Tom", hash);
    load(&store, "Tom", false);
    assert!(store.get("Tom", hash).is_some());
    load(&store, "Tom", true);
    assert!(store.peek("Tom", hash).is_some());
    store.remove("Tom", hash);
    store.remove("Tom", hash);
    store.clear();
    let told = taken(&listening);
    let entry = |access: &Access| (access.weight, access.cost_us, access.deadline_ms);
    use AccessKind::{Cleared, Hit, Loaded, Miss, Removed, Set};
    let kinds: Vec<_> = told.iter().map(|access| access.kind).collect();
    assert_eq!(kinds, [Miss, Loaded, Hit, Set, Removed, Removed, Cleared]);
    let (nothing, known) = ((0, 0, None), (ENTRY_OVERHEAD as u32 + 6, 9, Some(500)));
    let entries: Vec<_> = told.iter().map(entry).collect();
    assert_eq!(entries, [nothing, known, known, known, nothing, nothing, nothing]);
    assert!(told[..6].iter().all(|access| access.hash == told[0].hash));
    assert!(told[..6].iter().all(|access| access.key.as_deref() == Some("Tom")));
}

#[test]
fn a_policy_sees_the_same_hash() {
    let store = store();
    let listening = store.listen(Sample::of(1.0), 100, false);
    for key in ["Tom", "Jack", "Sam"] {
        load(&store, key, false);
    }
    let mut batch = crate::policy::Batch::default();
    while crate::policy::Residents::drain(&*store, &mut batch, 100) {}
    let mut told: Vec<u64> = taken(&listening).iter().map(|access| access.hash).collect();
    let mut seen = batch.hashes;
    told.sort_unstable();
    seen.sort_unstable();
    assert_eq!(told, seen);
}

#[test]
fn keys_that_are_lost_to_another_node_are_told_as_removed() {
    let store = store();
    load(&store, "Tom", false);
    load(&store, "Jack", false);
    let listening = store.listen(Sample::of(1.0), 100, true);
    store.retain(|key| key == "Jack", |_| ());
    let told = taken(&listening);
    assert_eq!((told.len(), told[0].kind), (1, AccessKind::Removed));
    assert_eq!(told[0].key.as_deref(), Some("Tom"));
}

#[test]
fn a_sample_has_all_accesses_of_its_keys_and_none_of_others() {
    let store = store();
    let (tenth, all) = (Sample::of(0.1), Sample::of(1.0));
    let [tenth, all] = [tenth, all].map(|sample| store.listen(sample, 100_000, true));
    for key in (0..10_000).map(|key| key.to_string()) {
        load(&store, &key, false);
        assert!(store.get(&key, store.hash(&key)).is_some());
    }
    let keys = |kind, told: &[Access]| -> Vec<_> {
        told.iter().filter(|access| access.kind == kind).filter_map(|a| a.key.clone()).collect()
    };
    let told = taken(&tenth);
    let loaded = keys(AccessKind::Loaded, &told);
    assert_eq!(loaded, keys(AccessKind::Hit, &told));
    assert!((800..1_200).contains(&loaded.len()), "{}", loaded.len());
    assert_eq!(taken(&all).len(), 20_000);
}

#[test]
fn a_full_queue_drops_what_comes_and_counts_it() {
    let store = store();
    let listening = store.listen(Sample::of(1.0), 2, false);
    for _ in 0..5 {
        store.missed("Tom", store.hash("Tom"));
    }
    assert_eq!((listening.waiting(), listening.lost()), (2, 3));
    assert_eq!(kinds(&listening).len(), 2);
    store.missed("Tom", store.hash("Tom"));
    assert_eq!((listening.waiting(), listening.lost()), (1, 3));
}

#[test]
fn nobody_is_told_after_the_listening_has_ended() {
    let store = store();
    assert!(!store.tap.samples(0));
    let [first, second] = [0.5, 1.0].map(|share| store.listen(Sample::of(share), 10, false));
    assert!(store.tap.samples(1 << 31));
    drop(second);
    assert!(store.tap.samples(0) && !store.tap.samples(1 << 31));
    drop(first);
    assert!(!store.tap.samples(0));
    // A store that is gone does not hold up its listeners, nor they it.
    let listening = store.listen(Sample::of(1.0), 10, false);
    drop(store);
    drop(listening);
}

#[test]
fn a_removal_takes_the_place_of_what_a_full_queue_has() {
    let store = store();
    let listening = store.listen(Sample::of(1.0), 2, true);
    let [tom, jack] = ["Tom", "Jack"].map(|key| (key, store.hash(key)));
    store.missed(tom.0, tom.1);
    store.missed(tom.0, tom.1);
    store.remove(jack.0, jack.1);
    assert_eq!((listening.waiting(), listening.lost()), (2, 1));
    assert_eq!(kinds(&listening), [AccessKind::Miss, AccessKind::Removed]);

    store.missed(tom.0, tom.1);
    store.missed(tom.0, tom.1);
    store.clear();
    assert_eq!(kinds(&listening), [AccessKind::Miss, AccessKind::Cleared]);
}

#[test]
fn where_a_removal_is_lost_all_keys_are_told_to_be_gone() {
    let store = store();
    let listening = store.listen(Sample::of(1.0), 2, true);
    for key in ["Tom", "Jack", "Sam"] {
        store.remove(key, store.hash(key));
    }
    use AccessKind::{Cleared, Removed};
    assert_eq!(kinds(&listening), [Removed, Removed, Cleared]);
    assert!(listening.lost() > 0);
    assert_eq!(kinds(&listening), []);
}
