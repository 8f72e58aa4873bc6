//! LRU by its state, then against a plain queue.

use std::collections::VecDeque;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

struct Plain {
    capacity: usize,
    queue: VecDeque<u64>,
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        if let Some(at) = self.queue.iter().position(|resident| *resident == key) {
            self.queue.remove(at);
            self.queue.push_front(key);
            return Request { hit: true, evicted: None };
        }
        let full = self.queue.len() == self.capacity;
        let evicted = if full { self.queue.pop_back() } else { None };
        self.queue.push_front(key);
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.queue.retain(|resident| *resident != key);
    }
}

#[test]
fn a_hit_moves_to_the_front() {
    let mut cache = Simulator::<Lru>::new(3, &[]).expect("no options");
    let queue = |cache: &Simulator<Lru>| -> Vec<u64> {
        cache.policy().recency.iter().map(|slot| cache.key(slot)).collect()
    };
    for key in [1, 2, 3, 1] {
        cache.request(key);
    }
    assert_eq!(queue(&cache), [1, 3, 2]);
    assert_eq!(cache.request(4).evicted, Some(2));
    assert_eq!(queue(&cache), [4, 1, 3]);
}

#[test]
fn agrees_with_a_plain_queue() {
    agree::<Lru, _>(&[], |capacity| Plain { capacity, queue: VecDeque::new() });
}

#[test]
fn takes_20_bytes_an_entry() {
    let bytes = bytes_per_entry::<Lru>(1_000_000);
    assert!((20.0..20.5).contains(&bytes), "{bytes}");
}

#[test]
fn an_option_is_refused() {
    let error = Simulator::<Lru>::new(3, &[("k", "2")]).expect_err("LRU has no options");
    assert_eq!(error.to_string(), "unknown option k (there are no options)");
}
