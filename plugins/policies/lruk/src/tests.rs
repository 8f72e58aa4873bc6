//! LRU-K by its state, then against histories kept plainly.

use std::collections::{HashMap, VecDeque};

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// All times of use of each key, the latest first, of evicted keys too.
struct Plain {
    capacity: usize,
    k: usize,
    history: f64,
    now: u64,
    uses: HashMap<u64, VecDeque<u64>>,
    evicted: VecDeque<(u64, VecDeque<u64>)>,
}

impl Plain {
    fn new(capacity: usize, k: usize, history: f64) -> Self {
        Self { capacity, k, history, now: 0, uses: HashMap::new(), evicted: VecDeque::new() }
    }

    fn evict(&mut self) -> Option<u64> {
        let k = self.k;
        let warmth = |times: &VecDeque<u64>| (times.get(k - 1).copied(), times[0]);
        let coldest = self.uses.iter().min_by_key(|(_, times)| warmth(times));
        let key = *coldest?.0;
        let kept = (self.uses.len() as f64 * self.history) as usize;
        let mut times = self.uses.remove(&key)?;
        times.truncate(k - 1);
        self.evicted.push_front((key, times));
        self.evicted.truncate(kept);
        Some(key)
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        self.now += 1;
        if let Some(times) = self.uses.get_mut(&key) {
            times.push_front(self.now);
            return Request { hit: true, evicted: None };
        }
        let evicted = if self.uses.len() == self.capacity { self.evict() } else { None };
        let known = self.evicted.iter().position(|(evicted, _)| *evicted == key);
        let past = known.and_then(|at| self.evicted.remove(at));
        let mut times = past.map(|(_, times)| times).unwrap_or_default();
        times.push_front(self.now);
        self.uses.insert(key, times);
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.uses.remove(&key);
    }
}

fn uses(cache: &Simulator<LruK>, key: u64) -> Vec<u32> {
    cache.policy().uses.dump(cache.slot(key).expect("resident"))
}

fn ghosts(cache: &Simulator<LruK>) -> Vec<u64> {
    let ghosts = &cache.policy().ghosts;
    ghosts.iter().map(|ghost| ghosts.hash(ghost)).collect()
}

#[test]
fn one_use_is_colder_than_two() {
    let mut cache = Simulator::<LruK>::new(3, &[]).expect("no options");
    for key in [1, 2, 3, 1, 2] {
        cache.request(key);
    }
    // 1: 4 1   2: 5 2   3: 3 -
    assert_eq!((uses(&cache, 1), uses(&cache, 3)), (vec![4, 1], vec![3, 0]));
    assert_eq!(cache.request(4).evicted, Some(3));
    assert_eq!(ghosts(&cache), [3]);
    // 3 comes back and is known: its last use before was at 3.
    assert_eq!(cache.request(3).evicted, Some(4));
    assert_eq!((uses(&cache, 3), ghosts(&cache)), (vec![7, 3], vec![4]));
    // All have two uses now; the second last of 1 lies furthest back.
    assert_eq!(cache.request(5).evicted, Some(1));
}

#[test]
fn the_history_is_bounded() {
    let mut cache = Simulator::<LruK>::new(4, &[("history", "0.5")]).expect("a right share");
    for key in 0..10 {
        cache.request(key);
    }
    assert_eq!(ghosts(&cache), [5, 4]);
    let mut cache = Simulator::<LruK>::new(4, &[("history", "0")]).expect("a right share");
    for key in 0..10 {
        cache.request(key);
    }
    assert_eq!(ghosts(&cache), [0; 0]);
}

#[test]
fn k_of_one_is_lru() {
    let mut cache = Simulator::<LruK>::new(2, &[("k", "1")]).expect("one is allowed");
    for key in [1, 2, 1] {
        cache.request(key);
    }
    assert_eq!(cache.request(3).evicted, Some(2));
    assert!(cache.request(1).hit);
}

#[test]
fn the_clock_may_run_out() {
    let config = Config::new(3, 4);
    let mut policy = LruK::configure(&config).expect("no options");
    let entry = |hash| Entry { hash, weight: 1, cost_us: 0, ttl_ms: 0 };
    policy.clock = ABSENT - 4;
    for slot in [0, 1, 2] {
        policy.insert(slot, &entry(u64::from(slot)));
    }
    policy.touch(0);
    policy.touch(1);
    // 0: M-3 M, aged: the clock stood at its end and restarted in the middle.
    assert_eq!(policy.clock, times::HALF + 2);
    assert_eq!((policy.victim(), policy.victim(), policy.victim()), (Some(2), Some(0), Some(1)));
    assert_eq!(policy.victim(), None);
}

#[test]
fn who_won_before_the_clock_ran_out_is_colder() {
    let mut policy = LruK::configure(&Config::new(2, 16)).expect("no options");
    let entry = |hash| Entry { hash, weight: 1, cost_us: 0, ttl_ms: 0 };
    policy.clock = ABSENT - 5;
    // Far enough from each other to meet in the second round only.
    for slot in [0, 8] {
        policy.insert(slot, &entry(u64::from(slot)));
    }
    [0, 8].into_iter().for_each(|slot| policy.touch(slot));
    assert!(policy.clock > times::HALF + 2, "it has not run out yet");
    [0, 0].into_iter().for_each(|slot| policy.touch(slot));
    assert_eq!(policy.clock, times::HALF + 2);
    assert_eq!((policy.victim(), policy.victim()), (Some(8), Some(0)));
}

#[test]
fn agrees_with_plain_histories() {
    for (k, history) in [("1", "1"), ("2", "1"), ("2", "0.3"), ("2", "0"), ("3", "2"), ("5", "1")] {
        let parsed = (k.parse().expect("a number"), history.parse().expect("a number"));
        let plain = |capacity| Plain::new(capacity, parsed.0, parsed.1);
        agree::<LruK, _>(&[("k", k), ("history", history)], plain);
    }
}

#[test]
fn takes_48_bytes_an_entry() {
    let bytes = bytes_per_entry::<LruK>(1_000_000);
    assert!((47.0..48.0).contains(&bytes), "{bytes}");
}

#[test]
fn options_are_checked() {
    let refused = |name, value| {
        let refused = Simulator::<LruK>::new(3, &[(name, value)]);
        refused.expect_err("that makes no sense").to_string()
    };
    assert_eq!(refused("k", "0"), "option k: `0` is not allowed, it must be a number in 1..=16");
    assert_eq!(refused("kk", "2"), "unknown option kk (known: k, history)");
    assert!(refused("history", "-1").contains("0.0..=16.0"));
}
