//! The end of a phase whose events are too short to look at the clock for each.

use std::time::{Duration, Instant};

/// Events between two looks at the clock.
const EVENTS: u32 = 64;

/// A time that is looked at once in a while.
pub(super) struct Deadline {
    at: Instant,
    asked: u32,
}

impl Deadline {
    /// So long from now.
    pub(super) fn after(time: Duration) -> Self {
        Self { at: Instant::now() + time, asked: 0 }
    }

    /// Whether it is over. To be asked once an event.
    pub(super) fn is_over(&mut self) -> bool {
        self.asked = (self.asked + 1) % EVENTS;
        self.asked == 0 && Instant::now() > self.at
    }
}
