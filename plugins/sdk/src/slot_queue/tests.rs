//! The log against a plain queue.

use std::collections::VecDeque;

use super::*;

/// Pushes, moves, removals and pops drawn at random, in stretches that fill the queue
/// and stretches that empty it.
fn agrees(slots: u32, operations: u32, seed: u32) {
    let (mut queue, mut model) = (SlotQueue::new(slots), VecDeque::<u32>::new());
    let mut state = seed;
    let mut draw = |below: u32| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        ((u64::from(state) * u64::from(below)) >> 32) as u32
    };
    for operation in 0..operations {
        let (slot, kind) = (draw(slots), draw(16));
        let fills = (operation / (4 * slots)).is_multiple_of(2);
        match model.iter().position(|kept| *kept == slot) {
            _ if kind == 0 || !fills && kind < 5 => {
                assert_eq!(queue.pop_back(), model.pop_back(), "operation {operation}");
            }
            Some(at) if kind < 3 => {
                queue.remove(slot);
                model.remove(at);
            }
            Some(at) => {
                queue.move_to_front(slot);
                model.remove(at);
                model.push_front(slot);
            }
            None if fills || kind == 15 => {
                queue.push_front(slot);
                model.push_front(slot);
            }
            None => {}
        }
        assert_eq!(queue.len() as usize, model.len());
        if operation % 5_000 == 0 {
            assert!(queue.iter().eq(model.iter().copied()), "operation {operation}");
        }
    }
    assert_eq!(std::iter::from_fn(|| queue.pop_back()).collect::<Vec<_>>(), {
        model.make_contiguous().reverse();
        Vec::from(model)
    });
    assert!(queue.is_empty());
}

#[test]
fn agrees_with_a_plain_queue() {
    for (slots, seed) in [(1, 1), (7, 2), (300, 3), (3_000, 4)] {
        agrees(slots, 120_000, seed);
    }
}

#[test]
fn the_log_keeps_its_bound() {
    let slots = 50 * RECORDS;
    let mut queue = SlotQueue::new(slots);
    (0..slots).for_each(|slot| queue.push_front(slot));
    let mut most = 0;
    for push in 0..20 * slots {
        // Some slots all the time, the others seldom: what a sweep keeps is spread.
        let slot = push.wrapping_mul(2_654_435_761) % slots;
        queue.move_to_front(if push % 2 == 0 { slot } else { slot % 64 });
        most = most.max(queue.in_use);
    }
    assert!(most <= 50 * LOG_RECORDS_PER_SLOT + SPARE_CHUNKS + 1, "{most} chunks");
}
