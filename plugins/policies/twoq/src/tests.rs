//! 2Q by its queues, then against the paper's procedure written plainly.

use std::collections::VecDeque;

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

struct Plain {
    capacity: usize,
    shares: (f64, f64),
    a1_in: VecDeque<u64>,
    a1_out: VecDeque<u64>,
    am: VecDeque<u64>,
}

impl Plain {
    fn share_of_resident(&self, share: f64) -> usize {
        let resident = self.a1_in.len() + self.am.len();
        ((resident as f64 * share) as usize).max(1)
    }

    fn reclaim(&mut self) -> Option<u64> {
        if self.a1_in.len() + self.am.len() < self.capacity {
            return None;
        }
        if self.a1_in.len() > self.share_of_resident(self.shares.0) || self.am.is_empty() {
            let evicted = self.a1_in.pop_back()?;
            self.a1_out.push_front(evicted);
            return Some(evicted);
        }
        self.am.pop_back()
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        if let Some(at) = self.am.iter().position(|resident| *resident == key) {
            self.am.remove(at);
            self.am.push_front(key);
            return Request { hit: true, evicted: None };
        }
        if self.a1_in.contains(&key) {
            return Request { hit: true, evicted: None };
        }
        let seen_before = self.a1_out.contains(&key);
        let evicted = self.reclaim();
        let queue = if seen_before { &mut self.am } else { &mut self.a1_in };
        queue.push_front(key);
        self.a1_out.truncate(self.share_of_resident(self.shares.1));
        self.a1_out.retain(|ghost| *ghost != key);
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        self.a1_in.retain(|resident| *resident != key);
        self.am.retain(|resident| *resident != key);
    }
}

/// A1in, A1out and Am, each from the newest to the oldest.
fn dump(cache: &Simulator<TwoQ>) -> [Vec<u64>; 3] {
    let policy = cache.policy();
    let keys = |chain: &Chain| chain.iter(&policy.links).map(|slot| cache.key(slot)).collect();
    let ghosts = policy.a1_out.iter().map(|ghost| policy.a1_out.hash(ghost)).collect();
    [keys(&policy.a1_in), ghosts, keys(&policy.am)]
}

#[test]
fn what_comes_back_from_a1_out_joins_am() {
    let mut cache = Simulator::<TwoQ>::new(4, &[]).expect("no options");
    for key in [1, 2, 3, 4, 1, 5] {
        cache.request(key);
    }
    // The use of 1 in A1in changed nothing.
    assert_eq!(dump(&cache), [vec![5, 4, 3, 2], vec![1], vec![]]);
    assert_eq!(cache.request(1).evicted, Some(2));
    assert_eq!(dump(&cache), [vec![5, 4, 3], vec![2], vec![1]]);
    // A scan passes through A1in and leaves Am alone.
    for key in 10..20 {
        cache.request(key);
    }
    assert_eq!(dump(&cache), [vec![19, 18, 17], vec![16, 15], vec![1]]);
}

#[test]
fn am_gives_up_its_least_recently_used() {
    let mut cache = Simulator::<TwoQ>::new(4, &[]).expect("no options");
    for key in [1, 2, 3, 4, 5, 1, 2, 3] {
        cache.request(key);
    }
    assert_eq!(dump(&cache), [vec![5], vec![4], vec![3, 2, 1]]);
    cache.request(1);
    // A1in holds no more than its quarter, so Am gives up 2, of which no ghost is kept.
    assert_eq!(cache.request(6).evicted, Some(2));
    assert_eq!(dump(&cache), [vec![6, 5], vec![4], vec![1, 3]]);
}

#[test]
fn a_series_of_evictions_keeps_a1_out_bounded() {
    let mut policy = TwoQ::configure(&Config::new(100, 100)).expect("no options");
    for slot in 0..100 {
        policy.insert(slot, &Entry { hash: slot.into(), weight: 1, cost_us: 0, ttl_ms: 0 });
    }
    while policy.victim().is_some() {
        let resident = policy.resident + 1;
        assert!(policy.a1_out.len() <= (resident / 2).max(1) + 1, "{resident}");
    }
}

#[test]
fn agrees_with_the_paper() {
    for (share_in, share_out) in [(0.25, 0.5), (0.0, 0.0), (1.0, 2.0), (0.5, 1.0)] {
        let options = [("in", &*share_in.to_string()), ("out", &*share_out.to_string())];
        agree::<TwoQ, _>(&options, |capacity| Plain {
            capacity,
            shares: (share_in, share_out),
            a1_in: VecDeque::new(),
            a1_out: VecDeque::new(),
            am: VecDeque::new(),
        });
    }
}

#[test]
fn takes_32_bytes_an_entry() {
    let bytes = bytes_per_entry::<TwoQ>(1_000_000);
    assert!((32.0..32.2).contains(&bytes), "{bytes}");
}

#[test]
fn options_are_checked() {
    let refused = |name, value| {
        let refused = Simulator::<TwoQ>::new(3, &[(name, value)]);
        refused.expect_err("that makes no sense").to_string()
    };
    assert!(refused("in", "1.5").contains("`1.5` is not allowed"));
    assert_eq!(refused("kin", "0.5"), "unknown option kin (known: in, out)");
}
