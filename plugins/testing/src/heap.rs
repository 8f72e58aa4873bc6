//! Counts the bytes that the measuring thread holds on the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use psycache_plugin::{Config, Policy, Step, Stepped};

struct Counting;

std::thread_local! {
    /// By thread, because tests run beside each other.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement; this one only counts")]
// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static HEAP: Counting = Counting;

/// Bytes that `P` and the SDK hold for each of `entries` resident entries, after as
/// many have been evicted again and the rest was used, some of it often, so that ghost
/// lists are full, counts differ and what is swept now and then was swept.
///
/// # Panics
/// If the policy can't be configured without options.
pub fn bytes_per_entry<P: Policy>(entries: u32) -> f64 {
    let before = HELD.get();
    let config = Config::new(u64::from(entries), entries + 1);
    let mut policy = Stepped::<P>::new(&config).expect("a policy needs no options");
    let mut victims = Vec::with_capacity(1);
    let mut slot = 0;
    for key in 0..2 * u64::from(entries) {
        let step = Step {
            admitted: &[slot],
            hashes: &[key],
            attributes: &[1, 0, 0],
            need: u64::from(key >= u64::from(entries)),
            ..Step::default()
        };
        policy.step(&step, &mut victims);
        slot = victims.first().copied().unwrap_or(slot + 1);
        policy.step(&Step { touched: &[slot / 2], ..Step::default() }, &mut victims);
    }
    for touch in 0..4 * entries {
        let slot = if touch % 2 == 0 { touch / 4 } else { touch % 64 };
        policy.step(&Step { touched: &[slot], ..Step::default() }, &mut victims);
    }
    (HELD.get() - before) as f64 / f64::from(entries)
}

/// The same for `entries` entries of which no two were used equally often, the worst
/// case of a policy that counts; takes a time square in `entries`.
///
/// # Panics
/// If the policy can't be configured without options.
pub fn bytes_with_distinct_counts<P: Policy>(entries: u32) -> f64 {
    let before = HELD.get();
    let config = Config::new(u64::from(entries), entries);
    let mut policy = Stepped::<P>::new(&config).expect("a policy needs no options");
    let mut victims = Vec::new();
    for slot in 0..entries {
        let (hashes, attributes) = ([u64::from(slot)], [1, 0, 0]);
        let step =
            Step { admitted: &[slot], hashes: &hashes, attributes: &attributes, ..Step::default() };
        policy.step(&step, &mut victims);
        for _ in 0..slot {
            policy.step(&Step { touched: &[slot], ..Step::default() }, &mut victims);
        }
    }
    (HELD.get() - before) as f64 / f64::from(entries)
}
