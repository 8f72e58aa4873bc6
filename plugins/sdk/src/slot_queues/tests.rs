//! The logs against plain queues.

use std::collections::VecDeque;

use super::*;

const QUEUES: usize = 3;

/// With chunks of so many records.
type Queues<const RECORDS: usize> = SlotQueues<QUEUES, u32, RECORDS>;

/// Even draws (G. Marsaglia, "Xorshift RNGs", 2003).
struct Draws(u32);

impl Draws {
    fn next(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        ((u64::from(self.0) * u64::from(below)) >> 32) as u32
    }
}

/// Pushes, moves, removals and pops drawn at random, in stretches that fill the queues
/// and stretches that empty them.
fn agrees<const RECORDS: usize>(slots: u32, operations: u32, seed: u32) {
    let mut queues = Queues::<RECORDS>::new(slots, 0, 2.25);
    let mut models: [VecDeque<(u32, u32)>; QUEUES] = Default::default();
    let mut draws = Draws(seed);
    for operation in 0..operations {
        let (slot, kind) = (draws.next(slots), draws.next(16));
        // Most of the time one queue gets most of what comes.
        let to = if kind % 4 == 0 { draws.next(3) } else { operation / (9 * slots) % 3 } as usize;
        let fills = (operation / (4 * slots)).is_multiple_of(2);
        let place = |model: &VecDeque<(u32, u32)>| model.iter().position(|kept| kept.0 == slot);
        let found = models.iter().map(place).enumerate().find_map(|(at, place)| Some((at, place?)));
        match found {
            _ if kind == 0 || !fills && kind < 5 => {
                let last = models[to].back().copied();
                assert_eq!(queues.back(to), last.map(|last| last.0), "operation {operation}");
                let with = queues.back(to).map(|slot| queues.with(slot));
                assert_eq!(with, last.map(|last| last.1), "operation {operation}");
                assert_eq!(queues.pop_back(to), models[to].pop_back().map(|last| last.0));
            }
            Some((from, at)) if kind < 3 => {
                queues.remove(from, slot);
                models[from].remove(at);
            }
            Some((from, at)) => {
                queues.move_to_front(from, to, slot, operation);
                models[from].remove(at);
                models[to].push_front((slot, operation));
            }
            None if fills || kind == 15 => {
                queues.push_front(to, slot, operation);
                models[to].push_front((slot, operation));
            }
            None => {}
        }
        for (queue, model) in models.iter().enumerate() {
            assert_eq!(queues.len(queue) as usize, model.len());
            let looks = operation % 5_000 == 0;
            assert!(!looks || queues.iter(queue).eq(model.iter().map(|kept| kept.0)));
        }
    }
    for (queue, mut model) in models.into_iter().enumerate() {
        let popped = std::iter::from_fn(|| queues.pop_back(queue)).collect::<Vec<_>>();
        model.make_contiguous().reverse();
        assert_eq!(popped, model.into_iter().map(|kept| kept.0).collect::<Vec<_>>());
        assert!(queues.is_empty(queue));
    }
}

#[test]
fn they_agree_with_plain_queues() {
    for (slots, seed) in [(1, 1), (7, 2), (300, 3), (3_000, 4)] {
        agrees::<1024>(slots, 120_000, seed);
        agrees::<16>(slots, 60_000, seed);
    }
}

#[test]
fn the_logs_keep_their_bound_together() {
    let slots = 50 * 1024_u32;
    let mut queues = SlotQueues::<2>::new(slots, (), 2.5);
    let in_use = |queues: &SlotQueues<2>| queues.logs.iter().map(|log| log.in_use).sum::<u32>();
    let mut queue_of = vec![0; slots as usize];
    (0..slots).for_each(|slot| queues.push_front(0, slot, ()));
    let mut most = 0;
    for push in 0..20 * slots {
        // Some slots all the time, the others seldom: what a sweep keeps is spread. And all go
        // from one queue to the other and back.
        let slot = push.wrapping_mul(2_654_435_761) % slots;
        let slot = if push % 2 == 0 { slot } else { slot % 64 };
        let to = push as usize / (3 * slots as usize) % 2;
        let from = std::mem::replace(&mut queue_of[slot as usize], to);
        queues.move_to_front(from, to, slot, ());
        most = most.max(in_use(&queues));
    }
    assert!(most <= 50 * 5 / 2 + 2 * SPARE_CHUNKS + 1, "{most} chunks");
}
