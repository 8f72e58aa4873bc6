//! The hit ratio of a cache over the requests of a trace.

use super::tally::Tally;

/// Requests after which the counts are noted.
pub(super) const STEP: usize = 64;

/// Most intervals. When there are more, two become one.
pub(super) const MOST: usize = 256;

/// Gets and hits up to some requests, at equal distances.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// Steps of an interval.
    every: u64,
    steps: u64,
    /// Gets and hits from the first request to the end of each interval.
    sums: Vec<(u64, u64)>,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { every: 1, steps: 0, sums: Vec::new() }
    }

    /// Notes what was counted up to here, [`STEP`] requests after the last time.
    pub(super) fn note(&mut self, tally: Tally) {
        self.steps += 1;
        if !self.steps.is_multiple_of(self.every) {
            return;
        }
        self.sums.push(tally.gets_and_hits());
        if self.sums.len() > MOST {
            let pairs = self.sums.chunks_exact(2).map(|pair| pair[1]);
            self.sums = pairs.collect();
            self.every *= 2;
        }
    }

    /// The hit ratio of each of at most `most` intervals, 0 to 1; `None` where no get counts. What
    /// is left at the end and is no whole interval is left out. The last one may be shorter than
    /// the others.
    pub(super) fn ratios(&self, most: usize) -> Vec<Option<f64>> {
        let each = self.sums.len().div_ceil(most).max(1);
        let sums: Vec<_> = self.sums.chunks(each).filter_map(<[_]>::last).collect();
        let before = std::iter::once(&(0, 0)).chain(sums.iter().copied());
        let intervals = before.zip(&sums).map(|(from, to)| (to.0 - from.0, to.1 - from.1));
        intervals.map(|(gets, hits)| (gets > 0).then(|| hits as f64 / gets as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_with_the_trace() {
        let mut timeline = Timeline::new();
        // The first half hits never, the second always.
        for step in 1..=10_000_u64 {
            let gets = step * STEP as u64;
            timeline.note(Tally::of(gets, gets.saturating_sub(5_000 * STEP as u64)));
        }
        let ratios = timeline.ratios(MOST);
        assert!((MOST / 2..=MOST).contains(&ratios.len()), "{}", ratios.len());
        assert_eq!((ratios[0], ratios[ratios.len() - 1]), (Some(0.0), Some(1.0)));
        let mean = ratios.iter().flatten().sum::<f64>() / ratios.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(ratios.len() as u64 * timeline.every <= 10_000);
    }

    #[test]
    fn a_time_without_gets_has_no_ratio() {
        let mut timeline = Timeline::new();
        timeline.note(Tally::of(0, 0));
        timeline.note(Tally::of(4, 1));
        assert_eq!(timeline.ratios(2), [None, Some(0.25)]);
        // Both together: a mean of their ratios would count the gets of one more than once.
        timeline.note(Tally::of(104, 101));
        assert_eq!(timeline.ratios(1), [Some(101.0 / 104.0)]);
        assert_eq!(timeline.ratios(2), [Some(0.25), Some(1.0)]);
    }
}
