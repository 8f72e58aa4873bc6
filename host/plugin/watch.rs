//! How long a guest may run: so long as it has the processor, not so long as the
//! clock says. On a machine that is short of processors a healthy guest waits for its
//! turn, and must not be taken for one that loops.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::UpdateDeadline;

use super::ticker::Ticker;

/// How often a guest is asked that did not have the processor; then it is stopped all
/// the same, because its caller waits.
const MOST_ASKED: u32 = 20;

/// Watches one call at a time, on the thread that makes it.
///
/// A call that ends soon costs nothing here. One that does not is asked by the clock at
/// half its time, and only then is it noted how much of the processor its thread has
/// had; it may have as much as the other half.
#[derive(Debug, Default)]
pub(super) struct Watch {
    half: Duration,
    noted: Option<Duration>,
    asked: u32,
}

impl Watch {
    /// A call begins that may run for `limit`. Answers the epochs until it is asked.
    pub(super) fn begin(&mut self, limit: Duration) -> u64 {
        *self = Self { half: limit / 2, noted: None, asked: 0 };
        Ticker::ticks(self.half)
    }

    /// Whether the call may go on, asked by the clock on the call's own thread.
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

/// What this thread has had of the processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative, of this clock.
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
