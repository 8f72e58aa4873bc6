//! SIEVE by its state, then against the paper's algorithm on a plain list.

use psycache_plugin_testing::{Model, Request, Simulator, agree, bytes_per_entry};

use super::*;

/// Keys from the oldest to the newest, each with its flag.
struct Plain {
    capacity: usize,
    arrival: Vec<(u64, bool)>,
    hand: usize,
}

impl Plain {
    fn evict(&mut self) -> u64 {
        loop {
            if self.hand == self.arrival.len() {
                self.hand = 0;
            }
            match self.arrival[self.hand].1 {
                true => self.arrival[self.hand].1 = false,
                false => return self.arrival.remove(self.hand).0,
            }
            self.hand += 1;
        }
    }
}

impl Model for Plain {
    fn request(&mut self, key: u64) -> Request {
        if let Some(entry) = self.arrival.iter_mut().find(|(resident, _)| *resident == key) {
            entry.1 = true;
            return Request { hit: true, evicted: None };
        }
        let full = self.arrival.len() == self.capacity;
        let evicted = full.then(|| self.evict());
        // A hand that has passed the newest entry starts again with the oldest.
        if self.hand == self.arrival.len() {
            self.hand = 0;
        }
        self.arrival.push((key, false));
        Request { hit: false, evicted }
    }

    fn remove(&mut self, key: u64) {
        let at = self.arrival.iter().position(|(resident, _)| *resident == key);
        let at = at.expect("only resident keys are removed");
        self.arrival.remove(at);
        if at < self.hand {
            self.hand -= 1;
        }
        if self.hand == self.arrival.len() {
            self.hand = 0;
        }
    }
}

#[test]
fn the_hand_spares_what_was_used() {
    let mut cache = Simulator::<Sieve>::new(3, &[]).expect("no options");
    for key in [1, 2, 3, 1] {
        cache.request(key);
    }
    // 1 is spared once, 2 goes; the hand stands at 3.
    assert_eq!(cache.request(4).evicted, Some(2));
    assert_eq!(cache.request(5).evicted, Some(3));
    // At 4 now: the flag of 1 is gone, but the hand comes by there last.
    assert_eq!(cache.request(6).evicted, Some(4));
}

#[test]
fn agrees_with_a_plain_list() {
    agree::<Sieve, _>(&[], |capacity| Plain { capacity, arrival: Vec::new(), hand: 0 });
}

#[test]
fn takes_13_bytes_an_entry() {
    let bytes = bytes_per_entry::<Sieve>(1_000_000);
    assert!((13.0..13.5).contains(&bytes), "{bytes}");
}

#[test]
fn an_option_is_refused() {
    let error = Simulator::<Sieve>::new(3, &[("k", "2")]).expect_err("SIEVE has no options");
    assert_eq!(error.to_string(), "unknown option k (there are no options)");
}
