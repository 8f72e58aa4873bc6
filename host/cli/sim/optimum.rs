//! `opt`: the most hits that any policy can have, which it has by knowing the future.
//!
//! L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 1966, algorithm MIN: the entry leaves whose next use lies furthest ahead.
//! Each miss is admitted, as with the other policies. That is optimal where all entries
//! weigh the same; with sizes the optimum is NP-hard.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::request::Request;
use super::tally::Tally;
use super::timeline::{STEP, Timeline};

/// There is no next use, or no last one.
const NEVER: u32 = u32::MAX;

/// A cache of one capacity, whose hits are known when the stream has ended.
#[derive(Debug)]
pub(super) struct Optimum {
    capacity: u64,
    /// For each request the number of the next one for the same key.
    next_uses: Vec<u32>,
    /// For each key, by its number, its last request.
    last_uses: Vec<u32>,
    /// So many of the first requests don't count.
    uncounted: usize,
    /// Known when the stream has ended.
    hits: u64,
}

impl Optimum {
    pub(super) fn new(capacity: u64) -> Self {
        Self { capacity, next_uses: Vec::new(), last_uses: Vec::new(), uncounted: 0, hits: 0 }
    }

    /// Takes one request down.
    pub(super) fn request(&mut self, request: Request) -> Result<()> {
        let (key, now) = (request.key as usize, self.next_uses.len());
        if now >= NEVER as usize {
            bail!("opt takes at most {NEVER} requests");
        }
        if key >= self.last_uses.len() {
            self.last_uses.resize(key + 1, NEVER);
        }
        let last = std::mem::replace(&mut self.last_uses[key], now as u32);
        if last != NEVER {
            self.next_uses[last as usize] = now as u32;
        }
        self.next_uses.push(NEVER);
        self.uncounted += usize::from(!request.is_counted);
        Ok(())
    }

    /// What was counted, once the stream has [ended](Self::end).
    pub(super) fn tally(&self) -> Tally {
        Tally::of((self.next_uses.len() - self.uncounted) as u64, self.hits)
    }

    /// Replays the stream, whose future is known now: O(n log n).
    ///
    /// A resident entry is known by its next use: no two have the same, and a request is
    /// a hit if it is the next use of a resident one.
    pub(super) fn end(&mut self, timeline: &mut Timeline) {
        let mut residents = BTreeSet::new();
        for (now, &next) in (0_u64..).zip(&self.next_uses) {
            if residents.remove(&now) {
                self.hits += u64::from(now >= self.uncounted as u64);
            } else if residents.len() as u64 == self.capacity {
                residents.pop_last();
            }
            residents.insert(match next {
                // After all others, and still unlike any other.
                NEVER => u64::from(NEVER) + now,
                next => u64::from(next),
            });
            let passed = now as usize + 1;
            if passed.is_multiple_of(STEP) {
                let counted = passed.saturating_sub(self.uncounted) as u64;
                timeline.note(Tally::of(counted, self.hits));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn hits(keys: &[u32], capacity: u64) -> u64 {
        let mut optimum = Optimum::new(capacity);
        for &key in keys {
            optimum.request(Request { key, is_counted: true, ..Request::default() }).unwrap();
        }
        optimum.end(&mut Timeline::new());
        assert_eq!(optimum.tally(), Tally::of(keys.len() as u64, optimum.hits));
        optimum.hits
    }

    /// The most hits over all choices of victims.
    fn most_hits(keys: &[u32], residents: &mut Vec<u32>, capacity: usize) -> u64 {
        let Some((&key, rest)) = keys.split_first() else {
            return 0;
        };
        if residents.contains(&key) {
            return 1 + most_hits(rest, residents, capacity);
        }
        if residents.len() < capacity {
            residents.push(key);
            let hits = most_hits(rest, residents, capacity);
            residents.pop();
            return hits;
        }
        let evict = |place| {
            let mut residents = residents.clone();
            residents[place] = key;
            most_hits(rest, &mut residents, capacity)
        };
        (0..capacity).map(evict).max().unwrap()
    }

    #[test]
    fn the_entry_leaves_that_is_used_last() {
        // At 3, 1 is used next and 2 after it: 2 leaves. At 2, 3 is not used any more.
        assert_eq!(hits(&[1, 2, 3, 1, 2, 1], 2), 2);
        assert_eq!(hits(&[1, 1, 1], 1), 2);
        assert_eq!(hits(&[1, 2, 1, 2], 1), 0);
        assert_eq!(hits(&[], 1), 0);
    }

    #[test]
    fn no_choice_of_victims_has_more_hits() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..300 {
            let keys: Vec<u32> = (0..12).map(|_| random.random_range(0..6)).collect();
            for capacity in 1..=4 {
                let most = most_hits(&keys, &mut Vec::new(), capacity);
                assert_eq!(hits(&keys, capacity as u64), most, "{keys:?}, capacity {capacity}");
            }
        }
    }

    #[test]
    fn a_loop_keeps_all_but_one_of_its_keys() {
        // Each round over 10 keys in a cache of 8: after the first, MIN misses every
        // ninth request for ever (7 of 9 keys that it may choose from stay).
        let keys: Vec<u32> = (0..10).cycle().take(910).collect();
        let misses = keys.len() as u64 - hits(&keys, 8);
        assert_eq!(misses, 10 + 900 * 2 / 9);
    }
}
