//! S3-FIFO by its queues, then against the paper's algorithm on plain queues.

use std::collections::VecDeque;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// Algorithm 1 of the paper.
struct Plain {
    capacity: usize,
    /// The newest at the front, each with its uses.
    small: VecDeque<(u64, u8)>,
    main: VecDeque<(u64, u8)>,
    ghosts: VecDeque<u64>,
    evicted: Vec<u64>,
}

impl Plain {
    fn new(capacity: usize) -> Self {
        let (small, main) = (VecDeque::new(), VecDeque::new());
        Self { capacity, small, main, ghosts: VecDeque::new(), evicted: Vec::new() }
    }

    fn small_limit(&self) -> usize {
        (self.capacity / 10).max(1)
    }

    fn main_limit(&self) -> usize {
        self.capacity - self.small_limit()
    }

    fn evict_small(&mut self) {
        while let Some((key, uses)) = self.small.pop_back() {
            if uses > 1 {
                if self.main.len() >= self.main_limit() {
                    self.evict_main();
                }
                self.main.push_front((key, 0));
            } else {
                self.ghosts.push_front(key);
                self.ghosts.truncate(self.main_limit());
                return self.evicted.push(key);
            }
        }
    }

    fn evict_main(&mut self) {
        while let Some((key, uses)) = self.main.pop_back() {
            match uses {
                0 => return self.evicted.push(key),
                _ => self.main.push_front((key, uses - 1)),
            }
        }
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        self.evicted.clear();
        let mut residents = self.small.iter_mut().chain(&mut self.main);
        if let Some((_, uses)) = residents.find(|(resident, _)| *resident == key) {
            *uses = (*uses + 1).min(3);
            return Request { hit: true, evicted: None };
        }
        while self.small.len() + self.main.len() >= self.capacity {
            match self.small.len() >= self.small_limit() {
                true => self.evict_small(),
                false => self.evict_main(),
            }
        }
        if self.ghosts.contains(&key) {
            self.ghosts.retain(|ghost| *ghost != key);
            self.main.push_front((key, 0));
        } else {
            self.small.push_front((key, 0));
        }
        Request { hit: false, evicted: self.evicted.first().copied() }
    }

    fn remove(&mut self, key: u64) {
        self.small.retain(|(resident, _)| *resident != key);
        self.main.retain(|(resident, _)| *resident != key);
    }

    fn evicted_beyond_need(&self) -> &[u64] {
        self.evicted.get(1..).unwrap_or_default()
    }
}

/// Small queue, main queue and ghosts, each from the newest to the oldest.
fn dump(cache: &Simulator<S3Fifo>) -> [Vec<u64>; 3] {
    let policy = cache.policy();
    let keys = |chain: &Chain| chain.iter(&policy.links).map(|slot| cache.key(slot)).collect();
    let ghosts = policy.ghosts.iter().map(|ghost| policy.ghosts.hash(ghost)).collect();
    [keys(&policy.small), keys(&policy.main), ghosts]
}

fn requests(cache: &mut Simulator<S3Fifo>, keys: impl IntoIterator<Item = u64>) {
    for key in keys {
        cache.request(key);
    }
}

#[test]
fn what_was_used_twice_moves_to_the_main_queue() {
    let mut cache = Simulator::<S3Fifo>::new(4, &[]).expect("no options");
    requests(&mut cache, [1, 2, 3, 4, 1, 1, 2]);
    // One use of 2 is not enough.
    assert_eq!(cache.request(5).evicted, Some(2));
    assert_eq!(dump(&cache), [vec![5, 4, 3], vec![1], vec![2]]);
    // A ghost goes to the main queue at once.
    assert_eq!(cache.request(2).evicted, Some(3));
    assert_eq!(dump(&cache), [vec![5, 4], vec![2, 1], vec![3]]);
}

#[test]
fn the_main_queue_spares_an_entry_once_for_each_use() {
    let mut cache = Simulator::<S3Fifo>::new(3, &[]).expect("no options");
    requests(&mut cache, [1, 2, 3, 1, 1, 2, 2, 4]);
    // The share of the small queue is one entry, that of the main queue two.
    assert_eq!(dump(&cache), [vec![4], vec![2, 1], vec![3]]);
    requests(&mut cache, [1, 1, 2, 4, 4]);
    // Main is full: 1, 2 and again 1 are spared, then 2 leaves for 4.
    assert_eq!(cache.request(5).evicted, Some(2));
    assert_eq!(dump(&cache), [vec![5], vec![4, 1], vec![3]]);
    assert!(cache.evicted_beyond_need().is_empty(), "the small queue had none left");
}

#[test]
fn a_full_main_queue_and_the_small_queue_both_give_an_entry() {
    let mut cache = Simulator::<S3Fifo>::new(20, &[]).expect("no options");
    requests(&mut cache, 1..=20);
    // 1 to 18 are used and move up: the main queue is full with them.
    requests(&mut cache, (1..=18).chain(1..=18));
    assert_eq!(cache.request(21).evicted, Some(19));
    // 20 and 21 are small; 20 is to move up.
    requests(&mut cache, [20, 20]);
    assert_eq!(cache.request(22).evicted, Some(1));
    assert_eq!(cache.evicted_beyond_need(), [21]);
    let main: Vec<u64> = std::iter::once(20).chain((2..=18).rev()).collect();
    assert_eq!(dump(&cache), [vec![22], main, vec![21, 19]]);
    // There is room for one more.
    assert_eq!(cache.request(23).evicted, None);
}

#[test]
fn the_second_entry_leaves_later_if_a_step_names_too_few() {
    let mut policy = S3Fifo::configure(&Config::new(2, 4)).expect("no options");
    for slot in 0..3 {
        policy.insert(slot, &Entry { hash: slot.into(), weight: 1, cost_us: 0, ttl_ms: 0 });
    }
    [0, 0, 1, 1].into_iter().for_each(|slot| policy.touch(slot));
    // 0 and 1 move up, which fills main. Nobody asks for what leaves beyond the need.
    assert_eq!(policy.victim(), Some(2));
    policy.insert(3, &Entry { hash: 3, weight: 1, cost_us: 0, ttl_ms: 0 });
    [3, 3].into_iter().for_each(|slot| policy.touch(slot));
    assert_eq!((policy.victim(), policy.victim(), policy.victim()), (Some(0), Some(1), Some(3)));
    assert_eq!((policy.victim(), policy.small_len, policy.main_len), (None, 0, 0));
}

#[test]
fn agrees_with_the_paper() {
    agree::<S3Fifo, _>(&[], Plain::new);
}

#[test]
fn takes_42_bytes_an_entry() {
    let bytes = bytes_per_entry::<S3Fifo>(1_000_000);
    assert!((41.8..42.2).contains(&bytes), "{bytes}");
}

#[test]
fn an_option_is_refused() {
    let error = Simulator::<S3Fifo>::new(3, &[("k", "2")]).expect_err("S3-FIFO has no options");
    assert_eq!(error.to_string(), "unknown option k (there are no options)");
}
