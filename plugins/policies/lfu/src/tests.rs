//! LFU by its buckets, then against counts kept plainly.

use std::collections::HashMap;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// Count and time of last use of each resident key.
struct Plain {
    capacity: usize,
    now: u64,
    uses: HashMap<u64, (u64, u64)>,
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        self.now += 1;
        if let Some((count, last)) = self.uses.get_mut(&key) {
            (*count, *last) = (*count + 1, self.now);
            return Request { hit: true, evicted: None };
        }
        let full = self.uses.len() == self.capacity;
        let coldest = || self.uses.iter().min_by_key(|(_, uses)| **uses).map(|(key, _)| *key);
        let evicted = if full { coldest() } else { None };
        evicted.map(|key| self.uses.remove(&key));
        self.uses.insert(key, (1, self.now));
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.uses.remove(&key);
    }
}

/// Count and keys of each bucket, the keys from the last used to the first.
fn dump(cache: &Simulator<Lfu>) -> Vec<(u64, Vec<u64>)> {
    let policy = cache.policy();
    let buckets = policy.buckets.dump(&policy.links).into_iter();
    let keys = |slots: Vec<u32>| slots.into_iter().map(|slot| cache.key(slot)).collect();
    buckets.map(|(count, slots)| (count, keys(slots))).collect()
}

#[test]
fn a_use_moves_to_the_next_bucket() {
    let mut cache = Simulator::<Lfu>::new(4, &[]).expect("no options");
    for key in [1, 2, 3, 4, 2, 3, 2, 2] {
        cache.request(key);
    }
    // 1x: 4 1   2x: 3   4x: 2
    assert_eq!(dump(&cache), [(1, vec![4, 1]), (2, vec![3]), (4, vec![2])]);
    assert_eq!(cache.request(5).evicted, Some(1));
    cache.request(3);
    cache.request(3);
    // 1x: 5 4   4x: 3 2
    assert_eq!(dump(&cache), [(1, vec![5, 4]), (4, vec![3, 2])]);
    cache.remove(4);
    cache.remove(5);
    cache.request(6);
    assert_eq!(dump(&cache), [(1, vec![6]), (4, vec![3, 2])]);
}

#[test]
fn buckets_are_used_again() {
    let mut cache = Simulator::<Lfu>::new(2, &[]).expect("no options");
    for key in 0..1_000 {
        for _ in 0..1 + key % 5 {
            cache.request(key);
        }
        cache.remove(key);
    }
    assert_eq!(cache.policy().buckets.ids(), 1, "one entry never needs two buckets");
}

#[test]
fn agrees_with_plain_counts() {
    let plain = |capacity| Plain { capacity, now: 0, uses: HashMap::new() };
    agree::<Lfu, _>(&[], plain);
}

#[test]
fn takes_at_most_40_bytes_an_entry() {
    let bytes = bytes_per_entry::<Lfu>(1_000_000);
    assert!((16.0..40.2).contains(&bytes), "{bytes}");
    // The worst case: every entry has a count of its own.
    let bytes = psycache_plugin_testing::bytes_with_distinct_counts::<Lfu>(2_048);
    assert!((39.0..41.0).contains(&bytes), "{bytes}");
}
