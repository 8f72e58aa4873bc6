//! A hierarchical timing wheel, which orders the deadlines of a shard's entries.
//!
//! It is scheme 7 of G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels",
//! SOSP 1987, with seven levels of 64 buckets. Each level is 64 times as coarse as the one
//! below. Setting and cancelling take constant time, a timer moves down at most six times,
//! and one instruction a level finds an occupied bucket.

const LEVELS: usize = 7;
const BUCKET_BITS: usize = 6;
const BUCKETS: usize = 1 << BUCKET_BITS;

/// Ends a list of timers.
const NONE: u32 = u32::MAX;

/// Flag in [`Links::prev`]: the timer is the first of a bucket, and the other bits are the
/// number of that bucket.
const FIRST: u32 = 1 << 31;

/// Timers by slot, at most one for each slot.
#[derive(Debug)]
pub(super) struct Wheel {
    /// No timer is due before this. The highest base-64 digit in which a deadline differs
    /// from it chooses the level, and that digit of the deadline chooses the bucket.
    elapsed_ms: u64,
    /// One bit for each bucket that is not empty.
    occupied: [u64; LEVELS],
    first: [u32; LEVELS * BUCKETS],
    links: Vec<Links>,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    prev: u32,
    next: u32,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            elapsed_ms: 0,
            occupied: [0; LEVELS],
            first: [NONE; LEVELS * BUCKETS],
            links: Vec::new(),
        }
    }

    /// Starts a timer for `slot`, which must have none. Deadlines have at most
    /// 42 bits.
    pub(super) fn set(&mut self, slot: u32, deadline_ms: u64) {
        let at_ms = deadline_ms.max(self.elapsed_ms);
        let differing = (at_ms ^ self.elapsed_ms) | (BUCKETS as u64 - 1);
        let level = differing.ilog2() as usize / BUCKET_BITS;
        let bucket = at_ms as usize >> (level * BUCKET_BITS) & (BUCKETS - 1);
        let number = level * BUCKETS + bucket;

        let next = std::mem::replace(&mut self.first[number], slot);
        self.occupied[level] |= 1 << bucket;
        if next != NONE {
            self.links[next as usize].prev = slot;
        }
        if self.links.len() <= slot as usize {
            self.links.resize(slot as usize + 1, Links { prev: NONE, next: NONE });
        }
        self.links[slot as usize] = Links { prev: FIRST | number as u32, next };
    }

    /// Stops the timer of `slot`, which must have one.
    pub(super) fn cancel(&mut self, slot: u32) {
        let Links { prev, next } = self.links[slot as usize];
        if next != NONE {
            self.links[next as usize].prev = prev;
        }
        if prev & FIRST == 0 {
            self.links[prev as usize].next = next;
            return;
        }
        let number = (prev & !FIRST) as usize;
        self.first[number] = next;
        if next == NONE {
            self.occupied[number / BUCKETS] &= !(1 << (number % BUCKETS));
        }
    }

    /// Removes a timer from the first occupied bucket if that bucket begins at or before
    /// `now_ms`. The timer may not be due yet. Then the caller must [`set`](Self::set) it
    /// again, which puts it on a finer level.
    pub(super) fn pop(&mut self, now_ms: u64) -> Option<u32> {
        let (begins_ms, number) = self.next_bucket()?;
        if begins_ms > now_ms {
            return None;
        }
        self.elapsed_ms = self.elapsed_ms.max(begins_ms);
        let slot = self.first[number];
        self.cancel(slot);
        Some(slot)
    }

    /// A lower bound of the deadlines of all timers; `None` if there is no timer.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.next_bucket().map(|(begins_ms, _)| begins_ms)
    }

    /// The begin and the number of the first occupied bucket. If two begin at the same time,
    /// it is the coarser one, so that it is emptied before time advances.
    fn next_bucket(&self) -> Option<(u64, usize)> {
        let occupied = self.occupied.iter().enumerate().rev();
        let firsts = occupied.filter(|(_, buckets)| **buckets != 0).map(|(level, buckets)| {
            let bucket = buckets.trailing_zeros() as usize;
            let shift = level * BUCKET_BITS;
            let turn_ms = self.elapsed_ms >> (shift + BUCKET_BITS) << (shift + BUCKET_BITS);
            (turn_ms + ((bucket as u64) << shift), level * BUCKETS + bucket)
        });
        firsts.reduce(|first, other| if other.0 < first.0 { other } else { first })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// All that is due, as the shard does it.
    fn collect(wheel: &mut Wheel, deadlines: &BTreeMap<u32, u64>, now_ms: u64) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some(slot) = wheel.pop(now_ms) {
            match deadlines[&slot] {
                deadline if deadline <= now_ms => due.push(slot),
                deadline => wheel.set(slot, deadline),
            }
        }
        due.sort_unstable();
        due
    }

    proptest! {
        #[test]
        fn gives_each_timer_when_it_is_due_and_not_before(
            steps in prop::collection::vec((0..40_u32, 0..41_u32, any::<u64>(), any::<bool>()), 1..200),
        ) {
            let mut wheel = Wheel::new();
            let mut deadlines = BTreeMap::new();
            let mut now_ms = 0;
            for (slot, bits, random, advance) in steps {
                let span_ms = random & ((1 << bits) - 1);
                if advance {
                    now_ms = (now_ms + span_ms).min(1 << 41);
                    let due = collect(&mut wheel, &deadlines, now_ms);
                    let expected: Vec<u32> =
                        deadlines.iter().filter(|(_, at)| **at <= now_ms).map(|(slot, _)| *slot).collect();
                    prop_assert_eq!(due, expected);
                    deadlines.retain(|_, at| *at > now_ms);
                } else if deadlines.remove(&slot).is_some() {
                    wheel.cancel(slot);
                } else {
                    deadlines.insert(slot, (now_ms + span_ms).min(1 << 41));
                    wheel.set(slot, deadlines[&slot]);
                }
                let earliest = deadlines.values().min().copied();
                prop_assert_eq!(wheel.next_ms().is_some(), earliest.is_some());
                prop_assert!(wheel.next_ms() <= earliest);
            }
        }
    }

    #[test]
    fn a_coarse_bucket_left_half_empty_is_finished_before_time_moves_on() {
        let mut wheel = Wheel::new();
        for slot in 0..3 {
            wheel.set(slot, 1000 + u64::from(slot));
        }
        assert_eq!(wheel.pop(1001), Some(2), "its bucket begins at 960");
        wheel.set(2, 1002);
        assert_eq!(wheel.next_ms(), Some(960), "two are left in it");
        assert_eq!([wheel.pop(1001), wheel.pop(1001)], [Some(1), Some(0)]);
        assert_eq!(wheel.next_ms(), Some(1002));
    }
}
