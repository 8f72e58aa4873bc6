//! Limits the time of a guest by processor time, not by wall time. On a busy machine a healthy
//! guest waits for a processor, and must not be mistaken for one that loops.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::UpdateDeadline;

use super::ticker::Ticker;

/// How often a guest that did not get the processor is checked. After that it is stopped,
/// because its caller waits.
const MOST_ASKED: u32 = 20;

/// Watches one call at a time, on the thread that makes it.
///
/// A call that ends soon costs nothing here. A longer call is first checked after half its
/// limit. Only then does the watch record the processor time of the thread; from there the
/// call may use the other half of its limit.
#[derive(Debug, Default)]
pub(super) struct Watch {
    half: Duration,
    noted: Option<Duration>,
    asked: u32,
}

impl Watch {
    /// Begins a call that may run for `limit`. Returns the number of epochs until the first
    /// check.
    pub(super) fn begin(&mut self, limit: Duration) -> u64 {
        *self = Self { half: limit / 2, noted: None, asked: 0 };
        Ticker::ticks(self.half)
    }

    /// Whether the call may continue. Runs at an epoch's end on the thread of the call.
    pub(super) fn ask(&mut self) -> UpdateDeadline {
        self.asked += 1;
        let had = processor_time();
        let noted = *self.noted.get_or_insert(had);
        let since = had.saturating_sub(noted);
        let had_its_time = self.asked > 1 && since >= self.half;
        if had_its_time || self.asked > MOST_ASKED {
            return UpdateDeadline::Interrupt;
        }
        UpdateDeadline::Continue(Ticker::ticks(self.half - since))
    }
}

/// The processor time that this thread has used.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // This clock is never negative.
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(20);

    #[test]
    fn who_waits_for_the_processor_is_not_stopped_yet() {
        let mut watch = Watch::default();
        assert_eq!(watch.begin(LIMIT), Ticker::ticks(LIMIT / 2));
        // Nothing is computed between these, however long they are apart.
        for _ in 0..MOST_ASKED {
            assert!(matches!(watch.ask(), UpdateDeadline::Continue(_)));
        }
        assert!(matches!(watch.ask(), UpdateDeadline::Interrupt));
        watch.begin(LIMIT);
        assert!(matches!(watch.ask(), UpdateDeadline::Continue(_)));
    }

    #[test]
    fn who_had_it_for_so_long_is_stopped() {
        let mut watch = Watch::default();
        watch.begin(LIMIT);
        assert!(matches!(watch.ask(), UpdateDeadline::Continue(_)));
        let noted = processor_time();
        while processor_time() - noted < LIMIT / 2 {}
        assert!(matches!(watch.ask(), UpdateDeadline::Interrupt));
    }
}
