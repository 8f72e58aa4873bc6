//! Segmented LRU by its state, then against the same on plain queues.

use std::collections::VecDeque;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// Keys from the newest to the oldest.
struct Plain {
    capacity: usize,
    share: f64,
    probation: VecDeque<u64>,
    protected: VecDeque<u64>,
}

impl Plain {
    fn len(&self) -> usize {
        self.probation.len() + self.protected.len()
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        let limit = (self.len() as f64 * self.share) as usize;
        if self.probation.contains(&key) || self.protected.contains(&key) {
            self.remove(key);
            self.protected.push_front(key);
            while self.protected.len() > limit {
                self.probation.push_front(self.protected.pop_back().expect("it is not empty"));
            }
            return Request { hit: true, evicted: None };
        }
        let evicted = (self.len() == self.capacity)
            .then(|| self.probation.pop_back().or_else(|| self.protected.pop_back()))
            .flatten();
        self.probation.push_front(key);
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.probation.retain(|resident| *resident != key);
        self.protected.retain(|resident| *resident != key);
    }
}

#[test]
fn what_was_used_is_protected_from_what_was_not() {
    let mut cache = Simulator::<Slru>::new(4, &[("protected", "0.5")]).expect("a right share");
    let queues = |cache: &Simulator<Slru>| {
        let policy = cache.policy();
        [policy.probation, policy.protected].map(|chain| -> Vec<u64> {
            chain.iter(&policy.links).map(|slot| cache.key(slot)).collect()
        })
    };
    for key in [1, 2, 3, 4, 1, 2] {
        cache.request(key);
    }
    assert_eq!(queues(&cache), [vec![4, 3], vec![2, 1]]);
    // Two may be protected, so 1 makes room for 3.
    cache.request(3);
    assert_eq!(queues(&cache), [vec![1, 4], vec![3, 2]]);
    assert_eq!(cache.request(5).evicted, Some(4));
    assert_eq!(cache.request(6).evicted, Some(1));
    assert_eq!(queues(&cache), [vec![6, 5], vec![3, 2]]);
}

#[test]
fn agrees_with_plain_queues() {
    for share in [0.0, 0.5, 0.8, 1.0] {
        agree::<Slru, _>(&[("protected", &share.to_string())], |capacity| Plain {
            capacity,
            share,
            probation: VecDeque::new(),
            protected: VecDeque::new(),
        });
    }
}

#[test]
fn takes_13_bytes_an_entry() {
    let bytes = bytes_per_entry::<Slru>(1_000_000);
    assert!((13.0..13.5).contains(&bytes), "{bytes}");
}

#[test]
fn options_are_checked() {
    let refused = |name, value| {
        let refused = Simulator::<Slru>::new(3, &[(name, value)]);
        refused.expect_err("that makes no sense").to_string()
    };
    assert!(refused("protected", "1.5").contains("`1.5` is not allowed"));
    assert_eq!(refused("share", "0.5"), "unknown option share (known: protected)");
}
