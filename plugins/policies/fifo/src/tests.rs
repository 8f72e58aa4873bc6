//! FIFO by its state, then against a plain queue.

use std::collections::VecDeque;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

struct Plain {
    capacity: usize,
    queue: VecDeque<u64>,
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        if self.queue.contains(&key) {
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
fn a_hit_changes_nothing() {
    let mut cache = Simulator::<Fifo>::new(3, &[]).expect("no options");
    for key in [1, 2, 3, 1, 1, 4] {
        cache.request(key);
    }
    // 4 3 2: 1 came first and left, in spite of its uses.
    let queue: Vec<u64> = cache.policy().arrival.iter().map(|slot| cache.key(slot)).collect();
    assert_eq!(queue, [4, 3, 2]);
}

#[test]
fn agrees_with_a_plain_queue() {
    agree::<Fifo, _>(&[], |capacity| Plain { capacity, queue: VecDeque::new() });
}

#[test]
fn takes_20_bytes_an_entry() {
    let bytes = bytes_per_entry::<Fifo>(1_000_000);
    assert!((20.0..20.5).contains(&bytes), "{bytes}");
}

#[test]
fn an_option_is_refused() {
    let error = Simulator::<Fifo>::new(3, &[("k", "2")]).expect_err("FIFO has no options");
    assert_eq!(error.to_string(), "unknown option k (there are no options)");
}
