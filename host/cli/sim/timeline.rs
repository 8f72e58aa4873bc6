//! The hit ratio of a cache over the requests of a trace.

use super::tally::Tally;

/// Requests after which the counts are noted.
pub(super) const STEP: usize = 64;

/// Most intervals. When there are more, two become one.
const MOST: usize = 256;

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

    /// The hit ratio of each interval, 0 to 1; `None` where no get counts. What is left at the
    /// end and is no whole interval is left out.
    pub(super) fn ratios(&self) -> Vec<Option<f64>> {
        let before = std::iter::once(&(0, 0)).chain(&self.sums);
        let intervals = before.zip(&self.sums).map(|(from, to)| (to.0 - from.0, to.1 - from.1));
        intervals.map(|(gets, hits)| (gets > 0).then(|| hits as f64 / gets as f64)).collect()
    }

    /// Requests of an interval.
    pub(super) fn interval(&self) -> u64 {
        self.every * STEP as u64
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
        let ratios = timeline.ratios();
        assert!((MOST / 2..=MOST).contains(&ratios.len()), "{}", ratios.len());
        assert_eq!((ratios[0], ratios[ratios.len() - 1]), (Some(0.0), Some(1.0)));
        let mean = ratios.iter().flatten().sum::<f64>() / ratios.len() as f64;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(timeline.interval() * ratios.len() as u64 <= 10_000 * STEP as u64);
    }

    #[test]
    fn a_time_without_gets_has_no_ratio() {
        let mut timeline = Timeline::new();
        timeline.note(Tally::of(0, 0));
        timeline.note(Tally::of(4, 1));
        assert_eq!(timeline.ratios(), [None, Some(0.25)]);
    }
}
