//! The last minutes of a group.

use std::collections::VecDeque;

use crate::server::{Interval, Sample, push};

/// Samples that are kept: five minutes at one a second.
const SAMPLES: usize = 301;

/// The time that ratios and rates are of.
const LATELY_MS: u64 = 10_000;

/// The samples of a group, the oldest first.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<Sample>);

impl History {
    /// Adds a sample. Counters that fell are those of a node that began anew.
    pub(super) fn take(&mut self, sample: Sample) {
        let is_anew = |last: &Sample| {
            [sample.gets < last.gets, sample.loads < last.loads, sample.evictions < last.evictions]
                .contains(&true)
        };
        if self.0.back().is_some_and(is_anew) {
            self.0.clear();
        }
        push(&mut self.0, sample, SAMPLES);
    }

    /// The last ten seconds, or the time since the last look where that is longer; `None` after
    /// the first look.
    pub(super) fn lately(&self) -> Option<Interval> {
        let mut newest = self.0.iter().rev();
        let to = *newest.next()?;
        let last = newest.next()?;
        let is_near = |sample: &&Sample| to.at_ms - sample.at_ms <= LATELY_MS;
        let from = *newest.take_while(is_near).last().unwrap_or(last);
        Some(Interval { from, to })
    }

    /// At most `most` intervals of one length, up to the newest sample.
    pub(super) fn intervals(&self, most: usize) -> Vec<Interval> {
        Interval::between(&self.0, most)
    }

    /// The time from the first sample to the last.
    pub(super) fn span_ms(&self) -> u64 {
        self.0.front().zip(self.0.back()).map_or(0, |(first, last)| last.at_ms - first.at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: u64, hits: u64, gets: u64) -> Sample {
        Sample { at_ms, hits, gets, ..Sample::default() }
    }

    #[test]
    fn the_ratio_is_that_of_the_last_seconds() {
        let mut history = History::default();
        assert!(history.lately().is_none());
        history.take(sample(0, 0, 100));
        assert!(history.lately().is_none());
        // A long pause is one interval.
        history.take(sample(20_000, 30, 200));
        assert_eq!(history.lately().and_then(|lately| lately.hit_ratio()), Some(0.3));
        for second in 1..=10 {
            history.take(sample(20_000 + second * 1_000, 30 + second * 5, 200 + second * 10));
        }
        let lately = history.lately().unwrap();
        assert_eq!(
            (lately.hit_ratio(), lately.rate(|sample| sample.gets)),
            (Some(0.5), Some(10.0))
        );
        assert_eq!(history.span_ms(), 30_000);
        assert_eq!(history.intervals(4).len(), 3);
        assert_eq!(history.intervals(11).len(), 11);
    }

    #[test]
    fn a_node_that_began_anew_has_no_past() {
        let mut history = History::default();
        history.take(sample(0, 50, 100));
        history.take(sample(1_000, 60, 120));
        history.take(sample(2_000, 1, 2));
        assert!(history.lately().is_none());
        assert_eq!(history.span_ms(), 0);
    }
}
