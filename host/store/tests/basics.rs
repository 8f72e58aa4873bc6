//! Single operations, one property a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::FutureExt;

use crate::clock::Clock;
use crate::policy::{Batch, Evicted, Residents};
use crate::store::{ENTRY_OVERHEAD, NewEntry, NoRoom, Store, StoreConfig};

fn store(entries: u32) -> (Arc<Store>, Clock) {
    let clock = Clock::manual();
    let config = StoreConfig { capacity_bytes: 1 << 30, max_entries: Some(entries) };
    (Store::new(config, clock.clone(), Box::new(|| {})), clock)
}

fn set(store: &Arc<Store>, key: &str, value: &str, deadline_ms: Option<u64>) {
    let room = store.reserve(key.len(), value.len()).unwrap();
    let value = Some(Bytes::from(value.to_owned()));
    store.commit(room, key, store.hash(key), NewEntry { value, deadline_ms, cost_us: 9 });
}

fn get(store: &Store, key: &str) -> Option<String> {
    let value = store.get(key, store.hash(key))?.value?;
    Some(String::from_utf8(value.to_vec()).unwrap())
}

fn drained(store: &Store) -> Batch {
    let mut batch = Batch::default();
    while store.drain(&mut batch, 1000) {}
    batch
}

#[test]
fn what_was_set_is_found_until_it_is_overwritten_removed_or_cleared() {
    let (store, _) = store(10);
    set(&store, "Tom", "630", None);
    assert_eq!(get(&store, "Tom").as_deref(), Some("630"));
    set(&store, "Tom", "631", None);
    assert_eq!(get(&store, "Tom").as_deref(), Some("631"));
    assert_eq!(store.stats().bytes, ENTRY_OVERHEAD + 6);
    assert!(store.remove("Tom", store.hash("Tom")));
    assert!(!store.remove("Tom", store.hash("Tom")));
    assert_eq!(get(&store, "Tom"), None);
    set(&store, "Jack", "589", None);
    set(&store, "Sam", "567", None);
    assert_eq!(store.clear(), 2);
    assert_eq!((store.stats().bytes, store.stats().entries), (0, 0));
    assert_eq!(store.stats().evictions.removed, 3);
}

#[test]
fn a_value_larger_than_the_capacity_is_refused_and_evicts_nothing() {
    let config = StoreConfig { capacity_bytes: ENTRY_OVERHEAD + 10, max_entries: None };
    let store = Store::new(config, Clock::manual(), Box::new(|| {}));
    set(&store, "key", "1234567", None);
    assert!(matches!(store.reserve(3, 8).err(), Some(NoRoom::TooLarge(_))));
    assert_eq!(get(&store, "key").as_deref(), Some("1234567"));
    assert_eq!(store.need(), 0);
    assert_eq!(store.reserve(1, 0).err(), Some(NoRoom::Full));
    assert!(store.need() > 0);
}

#[test]
fn a_reservation_that_is_dropped_gives_its_room_back() {
    let (store, _) = store(1);
    let room = store.reserve(3, 3).unwrap();
    assert_eq!(store.stats().bytes, ENTRY_OVERHEAD + 6);
    assert_eq!(store.reserve(1, 1).err(), Some(NoRoom::Full));
    drop(room);
    assert_eq!((store.stats().bytes, store.stats().entries), (0, 0));
    drop(store.reserve(1, 1).unwrap());
}

#[test]
fn a_full_store_of_one_entry_makes_room_when_asked() {
    let (store, _) = store(1);
    set(&store, "a", "1", None);
    assert_eq!((store.need(), store.evict_by_recency(9)), (0, 0));
    assert_eq!(store.reserve(1, 1).err(), Some(NoRoom::Full));
    assert_eq!(store.evict_by_recency(9), 1);
    set(&store, "b", "2", None);
    assert_eq!(get(&store, "b").as_deref(), Some("2"));
}

#[test]
fn an_expired_entry_is_never_returned_and_is_freed_without_being_asked_for() {
    let (store, clock) = store(10);
    set(&store, "short", "1", Some(101));
    set(&store, "long", "2", Some(100_000_000_000));
    set(&store, "never", "3", None);
    clock.advance(99);
    assert!(get(&store, "short").is_some());
    assert_eq!(store.expire(100).entries, 0);
    clock.advance(1);
    assert_eq!((get(&store, "short"), store.stats().entries), (None, 3));
    let expired = store.expire(100);
    assert_eq!((expired.entries, store.stats().entries), (1, 2));
    assert_eq!(store.stats().bytes, 2 * ENTRY_OVERHEAD + 11);
    assert!(expired.next_ms.unwrap() > 101 && expired.next_ms.unwrap() <= 100_000_000_000);
    clock.advance(100_000_000_000);
    while store.expire(1).next_ms.is_some() {}
    assert_eq!(store.stats().entries, 1);
    assert!(get(&store, "never").is_some());
}

#[test]
fn only_an_earlier_deadline_calls_the_collector() {
    let (store, _) = store(10);
    let was_called = || store.next_deadline_changed().now_or_never().is_some();
    set(&store, "a", "1", Some(1000));
    assert!(was_called());
    assert!(store.expire(10).next_ms.unwrap() <= 1000);
    set(&store, "b", "1", Some(1001));
    assert!(!was_called());
    set(&store, "c", "1", Some(500));
    assert!(was_called());
}

#[test]
fn a_drain_tells_the_difference_and_nothing_twice() {
    let (store, _) = store(10);
    set(&store, "a", "1", Some(51));
    set(&store, "b", "22", None);
    set(&store, "gone", "3", None);
    store.remove("gone", store.hash("gone"));
    let batch = drained(&store);
    assert_eq!((&batch.admitted[..], &batch.removed[..]), (&[0, 1][..], &[][..]));
    let weight = ENTRY_OVERHEAD as u32;
    assert_eq!(batch.attributes, [weight + 2, 9, 50, weight + 3, 9, 0]);
    assert!(drained(&store).is_empty());

    // Overwritten: admitted. Reused: removed and admitted.
    set(&store, "a", "9", None);
    store.remove("b", store.hash("b"));
    set(&store, "c", "3", None);
    let batch = drained(&store);
    assert_eq!((&batch.admitted[..], &batch.removed[..]), (&[0, 1][..], &[1][..]));
}

#[test]
fn hits_reach_the_policy_once_it_knows_the_entry() {
    let (store, _) = store(10);
    set(&store, "a", "1", None);
    set(&store, "b", "1", None);
    get(&store, "b");
    assert_eq!(store.peek("a", store.hash("a")).unwrap().value.unwrap(), "1");
    let mut batch = Batch::default();
    store.drain(&mut batch, 100);
    assert_eq!((batch.touched.len(), batch.admitted.len()), (0, 2));
    get(&store, "a");
    get(&store, "b");
    get(&store, "a");
    assert_eq!(drained(&store).touched, [1, 1, 0, 0]);
}

#[test]
fn an_answer_of_the_policy_is_checked_against_what_is_there() {
    let (store, _) = store(10);
    for key in ["a", "b", "c"] {
        set(&store, key, "1", None);
    }
    assert_eq!(store.evict(&[0]).bogus, 1, "it was not told of any yet");
    drained(&store);
    set(&store, "b", "changed", None);
    let evicted = store.evict(&[0, 0, 1, 77, u32::MAX]);
    let weight = ENTRY_OVERHEAD + 2;
    assert_eq!(evicted, Evicted { entries: 1, weight, stale: 1, bogus: 3 });
    assert_eq!(get(&store, "a"), None);
    assert_eq!(get(&store, "b").as_deref(), Some("changed"));
    let batch = drained(&store);
    assert_eq!((&batch.admitted[..], &batch.removed[..]), (&[1][..], &[][..]));
}

#[test]
fn a_new_policy_is_told_of_all_in_the_order_given_then_coldest_first() {
    let (store, _) = store(10);
    for key in ["a", "b", "c", "d"] {
        set(&store, key, "1", None);
    }
    drained(&store);
    get(&store, "a");
    store.resync(&[3, 77, 3]);
    store.remove("b", store.hash("b"));
    let batch = drained(&store);
    assert_eq!((&batch.admitted[..], &batch.removed[..]), (&[3, 2, 0][..], &[][..]));
    assert!(batch.touched.is_empty());
}

#[test]
fn the_worker_is_called_for_a_need_or_enough_changes_and_not_for_each_insert() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let wake = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let config = StoreConfig { capacity_bytes: 1 << 30, max_entries: Some(100) };
    let store = Store::new(config, Clock::manual(), wake);
    for key in 0..31 {
        set(&store, &format!("{key:02}"), "1", None);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for key in 31..96 {
        set(&store, &format!("{key:02}"), "1", None);
    }
    assert_eq!((calls.load(Ordering::Relaxed), store.need()), (1, 0));
    drained(&store);
    // It keeps four entries free and is called when half of that is taken.
    set(&store, "ww", "1", None);
    set(&store, "xx", "1", None);
    assert!(store.need() > 0);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    set(&store, "yy", "1", None);
    set(&store, "zz", "1", None);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!((store.evict_by_recency(99), store.need()), (4, 0));
    for key in ["kk", "ll", "mm"] {
        set(&store, key, "1", None);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[test]
fn a_store_that_could_hold_nothing_is_refused() {
    let config = |capacity_bytes, max_entries| StoreConfig { capacity_bytes, max_entries };
    let refused = |config: StoreConfig| config.check().unwrap_err().to_string();
    assert!(refused(config(ENTRY_OVERHEAD, None)).contains("bad capacity: 112 B hold no entry"));
    assert!(refused(config(1 << 20, Some(0))).contains("bad max-entries"));
    assert_eq!(config(ENTRY_OVERHEAD + 1, Some(1)).check(), Ok(()));
}

#[test]
fn what_was_evicted_is_freed_by_the_next_insert_or_by_a_clear() {
    let (store, _) = store(100);
    let evict = || {
        set(&store, "a", "1", None);
        let mut batch = Batch::default();
        store.drain(&mut batch, 10);
        assert_eq!(store.evict(&batch.admitted).entries, 1);
        assert_eq!((store.stats().entries, store.stats().bytes), (0, 0));
    };
    let deferred = || store.shards[0].0.write().deferred_frees.pop().is_some();
    evict();
    assert!(deferred() && !deferred());
    evict();
    set(&store, "b", "2", None);
    assert!(!deferred());
    store.remove("b", store.hash("b"));
    evict();
    assert_eq!(store.clear(), 0);
    assert!(!deferred());
}

#[test]
fn a_value_outlives_its_entry() {
    let (store, _) = store(100);
    let value = |key| store.get(key, store.hash(key)).unwrap().value.unwrap();
    set(&store, "a", "1", None);
    let overwritten = value("a");
    set(&store, "a", "2", None);
    let evicted = value("a");
    let mut batch = Batch::default();
    store.drain(&mut batch, 10);
    assert_eq!(store.evict(&batch.admitted).entries, 1);
    for key in ["b", "c"] {
        set(&store, key, "3", None);
    }
    let (removed, cleared) = (value("b"), value("c"));
    assert!(store.remove("b", store.hash("b")));
    assert_eq!(store.clear(), 1);
    assert_eq!([overwritten, evicted, removed, cleared], ["1", "2", "3", "3"]);
}

#[test]
fn what_waits_to_be_freed_is_a_small_part_of_the_capacity() {
    assert_eq!(Store::deferred_bytes(1 << 30, 3), 8 << 10);
    assert_eq!(Store::deferred_bytes(1 << 20, 3) << 3, (1 << 20) / 64);
}

#[test]
fn gets_at_once_answer_and_count_as_gets_in_turn() {
    let (store, clock) = store(10_000);
    for number in 0..500 {
        let key = format!("key-{number}");
        set(&store, &key, &number.to_string(), (number % 3 == 0).then_some(100));
    }
    drained(&store);
    clock.advance(100);
    // More than one lock is taken for; with keys that were never set, and some twice.
    let keys: Vec<String> = (100..800).rev().map(|at| format!("key-{}", at % 600)).collect();
    let with_hashes: Vec<(&str, u64)> =
        keys.iter().map(|key| (key.as_str(), store.hash(key))).collect();
    let found = store.get_many(&with_hashes);
    // Each shard is drained in the order of its uses, the shards in turn.
    let touched = || {
        let mut touched = drained(&store).touched;
        touched.sort_by_key(|slot| *slot as usize % store.shards.len());
        touched
    };
    let touched_at_once = touched();
    assert_eq!(found.len(), keys.len());
    for (found, (key, hash)) in found.iter().zip(&with_hashes) {
        assert_eq!(*found, store.get(key, *hash), "{key}");
    }
    assert!(found.iter().filter(|found| found.is_some()).count() > 300);
    assert_eq!(touched_at_once, touched());
}

#[test]
fn uses_that_fill_half_of_their_room_call_the_worker_once() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let wake = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    // Room for 25 uses, an odd number.
    let config = StoreConfig { capacity_bytes: 1 << 30, max_entries: Some(100) };
    let store = Store::new(config, Clock::manual(), wake);
    let keys: Vec<String> = (0..20).map(|key| format!("{key:02}")).collect();
    keys.iter().for_each(|key| set(&store, key, "1", None));
    let with_hashes: Vec<(&str, u64)> =
        keys.iter().map(|key| (key.as_str(), store.hash(key))).collect();
    for (number, at_once) in [(0, true), (1, false)] {
        drained(&store);
        assert_eq!(calls.load(Ordering::Relaxed), number);
        if at_once {
            assert!(store.get_many(&with_hashes).iter().all(Option::is_some));
        } else {
            assert!(with_hashes.iter().all(|(key, hash)| store.get(key, *hash).is_some()));
        }
        assert_eq!(calls.load(Ordering::Relaxed), number + 1);
    }
}

#[test]
fn keys_with_the_same_hash_are_told_apart_when_many_are_looked_up() {
    let (store, _) = store(10);
    for key in ["Tom", "Ann"] {
        let room = store.reserve(key.len(), key.len()).unwrap();
        let value = Some(Bytes::from(key));
        store.commit(room, key, 7, NewEntry { value, deadline_ms: None, cost_us: 9 });
    }
    let found = store.get_many(&[("Ann", 7), ("Sam", 7), ("Tom", 7), ("Ann", 7)]);
    let values = found.into_iter().map(|found| found?.value.map(|value| value.to_vec()));
    let expected = [Some("Ann"), None, Some("Tom"), Some("Ann")];
    let expected = expected.map(|value| value.map(|value| value.as_bytes().to_vec()));
    assert_eq!(values.collect::<Vec<_>>(), expected);
}
