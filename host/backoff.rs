//! The pauses between attempts.

use std::time::Duration;

use rand::Rng;

/// A pause that doubles with each attempt, from the first to the longest.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first.min(longest) }
    }

    /// The pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }

    /// The same, shortened at random by up to a half, so that many nodes that failed
    /// together do not come back together.
    pub(crate) fn spread_pause(&mut self, random: &mut impl Rng) -> Duration {
        self.pause().mul_f64(random.random_range(0.5..=1.0))
    }

    /// The next pause is the first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest_until_it_is_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(300));
        let pauses: Vec<_> = (0..5).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 300, 300]);
        backoff.reset();
        let spread = backoff.spread_pause(&mut rand::rng());
        assert!((25..=50).contains(&spread.as_millis()), "{spread:?}");
        assert_eq!(backoff.pause().as_millis(), 100);
    }
}
