//! Warnings about wrong answers of a policy, logged at most once a minute.

use std::mem::take;
use std::time::Duration;

use crate::telemetry::LogLimiter;

const EACH: Duration = Duration::from_secs(60);

/// The faults since the last line.
#[derive(Debug)]
pub(super) struct Complaints {
    bogus: u64,
    short: u64,
    limiter: LogLimiter,
}

impl Complaints {
    pub(super) fn new() -> Self {
        Self { bogus: 0, short: 0, limiter: LogLimiter::every(EACH) }
    }

    /// Counts the faults of one step: `bogus` victims, and whether it named too few. Logs them
    /// unless a line was written within the last minute.
    pub(super) fn note(&mut self, group: &str, policy: &str, bogus: u32, short: bool) {
        if bogus == 0 && !short {
            return;
        }
        self.bogus += u64::from(bogus);
        self.short += u64::from(short);
        if self.limiter.admit().is_some() {
            let (bogus, short) = (take(&mut self.bogus), take(&mut self.short));
            tracing::warn!(
                group,
                policy,
                bogus,
                short,
                "policy named victims that it could not have, or too few; the node chose by \
                 recency"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_added_up_until_the_next_line() {
        let mut complaints = Complaints::new();
        complaints.note("g", "p", 0, false);
        complaints.note("g", "p", 3, true);
        assert_eq!((complaints.bogus, complaints.short), (0, 0), "the first is logged");
        (0..999).for_each(|_| complaints.note("g", "p", 3, true));
        assert_eq!((complaints.bogus, complaints.short), (2_997, 999));
    }
}
