//! The time that a server is given for a statement.

use std::time::{Duration, Instant};

use super::Failure;
use crate::FetchError;

/// How far a session's limit may lie below the one that a load wants, in hundredths, before the
/// server is told another one. Most loads have about the same time.
const SLACK_PERCENT: u32 = 2;

/// The time that a server gives each statement of a session. Without one a server works on for a
/// load that nobody waits for any more, while its connection's place is given to another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementLimit(Duration);

impl StatementLimit {
    /// That of a load which ends at `deadline`: somewhat less than is left at `now`, so that the
    /// server's answer comes in time.
    #[must_use]
    pub fn before(deadline: Instant, now: Instant) -> Self {
        let left = deadline.saturating_duration_since(now);
        Self(left.saturating_sub((left / 20).min(Duration::from_millis(50))))
    }

    /// The time.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }

    /// Whether a session that has this limit needs no other one for a load that wants `wanted`.
    #[must_use]
    pub fn serves(self, wanted: Self) -> bool {
        (wanted.least()..=wanted.0).contains(&self.0)
    }

    /// What a statement gave. Where the server ended it earlier than at this limit, that was a
    /// lower limit of its own, or a person, and the load is not out of time. `ran` tells how long
    /// the statement ran. It is called only if the server ended the statement.
    ///
    /// # Errors
    /// Those of `answer`.
    pub fn judge<T>(
        self,
        ran: impl FnOnce() -> Duration,
        answer: Result<T, Failure>,
    ) -> Result<T, Failure> {
        match answer {
            // The server's clock is not this one, and counts whole milliseconds.
            Err(Failure::OutOfTime(message)) if ran() < self.least() => {
                Err(Failure::Answered(FetchError::Unavailable(message)))
            }
            answer => answer,
        }
    }

    /// The shortest that is as good.
    fn least(self) -> Duration {
        self.0.saturating_sub(self.0 * SLACK_PERCENT / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(ms: u64) -> StatementLimit {
        StatementLimit(Duration::from_millis(ms))
    }

    #[test]
    fn a_limit_serves_until_a_load_has_less_time_or_much_more() {
        assert!(limit(1_000).serves(limit(1_000)));
        assert!(limit(980).serves(limit(1_000)));
        assert!(!limit(979).serves(limit(1_000)), "the server would end it early");
        assert!(!limit(1_001).serves(limit(1_000)), "the server would work on");
        assert!(!StatementLimit::default().serves(limit(1_000)));
    }

    #[test]
    fn what_the_server_ends_early_is_not_out_of_time() {
        let ended = || Err::<(), _>(Failure::OutOfTime("ended".into()));
        let late = limit(1_000).judge(|| Duration::from_millis(980), ended());
        assert!(matches!(late, Err(Failure::OutOfTime(_))), "{late:?}");
        let early = limit(1_000).judge(|| Duration::from_millis(979), ended());
        assert!(matches!(early, Err(Failure::Answered(FetchError::Unavailable(_)))), "{early:?}");
    }
}
