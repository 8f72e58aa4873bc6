//! Counts the allocated bytes on the heap, only while a measurement runs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static HELD: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    // If counting is off, this costs one load of a cache line that is never written.
    if COUNTS.load(Relaxed) {
        HELD.fetch_add(bytes, Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe to implement; this one only counts")]
// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static HEAP: Counting = Counting;

/// The bytes, as requested from the allocator, that the result of `work` keeps allocated.
pub(crate) fn held_by<T>(work: impl FnOnce() -> T) -> (T, f64) {
    HELD.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    let made = work();
    COUNTS.store(false, Relaxed);
    (made, HELD.load(Relaxed) as f64)
}
