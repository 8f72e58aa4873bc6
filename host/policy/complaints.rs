//! Warnings about wrong answers of a policy, logged at most once a minute.

/// Shortest time between two lines of the log.
const PERIOD_MS: u64 = 60_000;

/// The faults since the last line.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    bogus: u64,
    short: u64,
    /// When the next line may be written.
    quiet_until_ms: u64,
}

impl Complaints {
    /// Counts the faults of one step. Logs them unless a line was written within the period.
    /// Returns whether it logged.
    pub(super) fn note(
        &mut self,
        group: &str,
        policy: &str,
        bogus: u32,
        short: bool,
        now_ms: u64,
    ) -> bool {
        if bogus == 0 && !short {
            return false;
        }
        self.bogus += u64::from(bogus);
        self.short += u64::from(short);
        if now_ms < self.quiet_until_ms {
            return false;
        }
        let Self { bogus, short, .. } = *self;
        tracing::warn!(
            group,
            policy,
            bogus,
            short,
            "policy named victims that it could not have, or too few; the node chose by recency"
        );
        *self = Self { quiet_until_ms: now_ms + PERIOD_MS, ..Self::default() };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_faults_are_one_line_a_minute() {
        let mut complaints = Complaints::default();
        let lines = |complaints: &mut Complaints, now_ms| {
            (0..1_000).filter(|_| complaints.note("g", "p", 3, true, now_ms)).count()
        };
        assert_eq!(lines(&mut complaints, 5), 1);
        assert_eq!(lines(&mut complaints, PERIOD_MS), 0);
        assert_eq!((complaints.bogus, complaints.short), (5_997, 1_999));
        assert_eq!(lines(&mut complaints, PERIOD_MS + 5), 1);
    }

    #[test]
    fn a_step_without_fault_says_nothing() {
        assert!(!Complaints::default().note("g", "p", 0, false, 1));
    }
}
