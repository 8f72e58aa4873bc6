//! What a check found: a line a rule for people, one object for programs.

use serde::Serialize;

use super::rule::Rule;

/// How a policy stands to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Pass,
    Warning,
    Failure,
    /// It could not be judged.
    Skipped,
}

/// A verdict and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) seen: String,
}

impl Finding {
    pub(super) fn pass(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Pass, seen: seen.into() }
    }

    pub(super) fn warning(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, seen: seen.into() }
    }

    pub(super) fn failure(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failure, seen: seen.into() }
    }

    pub(super) fn skipped(seen: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, seen: seen.into() }
    }

    /// A warning if `is_bad`.
    pub(super) fn warning_if(is_bad: bool, seen: impl Into<String>) -> Self {
        if is_bad { Self::warning(seen) } else { Self::pass(seen) }
    }
}

/// The line of one rule.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    rule: &'static str,
    verdict: Verdict,
    /// What was seen.
    seen: String,
    /// How to mend it; absent where there is nothing to mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<&'static str>,
    /// The file that shows the failure again.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<String>,
}

impl Line {
    pub(super) fn new(rule: Rule, finding: Finding, replay: Option<String>) -> Self {
        let Finding { verdict, seen } = finding;
        let is_bad = matches!(verdict, Verdict::Warning | Verdict::Failure);
        let mend = is_bad.then(|| rule.mend());
        Self { rule: rule.name(), verdict, seen, mend, replay }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) policy: String,
    pub(super) sha256: String,
    /// The same seed makes the same scripts.
    pub(super) seed: u64,
    pub(super) rules: Vec<Line>,
}

impl Report {
    /// The names of the rules with this verdict.
    pub(super) fn having(&self, verdict: Verdict) -> Vec<&'static str> {
        let lines = self.rules.iter().filter(|line| line.verdict == verdict);
        lines.map(|line| line.rule).collect()
    }

    /// The text for people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}, seed {}\n", self.policy, self.seed);
        for line in &self.rules {
            let verdict = match line.verdict {
                Verdict::Pass => "pass",
                Verdict::Warning => "warning",
                Verdict::Failure => "FAILURE",
                Verdict::Skipped => "skipped",
            };
            text += &format!("{verdict:<8} {:<13} {}\n", line.rule, line.seen);
            let more = |what: &str, said: &str| format!("{:22} {what}: {said}\n", "");
            text += &line.mend.map_or(String::new(), |mend| more("mend", mend));
            let replay = line.replay.as_ref();
            text += &replay.map_or(String::new(), |file| more("replay", file));
        }
        let count = |verdict| self.having(verdict).len();
        text += &format!(
            "{} passed, {} warnings, {} failures, {} skipped\n",
            count(Verdict::Pass),
            count(Verdict::Warning),
            count(Verdict::Failure),
            count(Verdict::Skipped)
        );
        text
    }
}
