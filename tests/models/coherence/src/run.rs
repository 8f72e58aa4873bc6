//! Runs searches on two threads, and says whether each ended as it must.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::flaw::Flaw;
use crate::flaws::Mutant;
use crate::scope::Scope;
use crate::search::{Report, search};

/// Searches at a time: two of the largest take some 3 GB.
const WORKERS: usize = 2;

/// How a search must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// With all states visited, and nothing wrong.
    Holds,
    /// With a violation.
    Violation,
}

/// A search to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is explored.
    pub scope: Scope,
    /// How that must end.
    pub expected: Expected,
}

impl Job {
    /// The protocol as it is must hold in `scope`.
    #[must_use]
    pub fn of_protocol(scope: Scope) -> Self {
        Self { scope, expected: Expected::Holds }
    }

    /// What must become of a mutant, in each of its scopes.
    ///
    /// # Panics
    /// If `scopes` lacks one of these.
    #[must_use]
    pub fn of_mutant(mutant: &Mutant, scopes: &[Scope]) -> Vec<Self> {
        let killed = mutant.killed_in.iter().map(|name| (*name, Expected::Violation));
        let survived = mutant.survives.iter().map(|name| (*name, Expected::Holds));
        let job = |(name, expected)| {
            let scope = scopes.iter().find(|scope| scope.name == name);
            let scope = scope.unwrap_or_else(|| panic!("there is no scope {name}"));
            Self { scope: scope.with(mutant.flaw), expected }
        };
        killed.chain(survived).map(job).collect()
    }

    /// What is not as it must be.
    #[must_use]
    pub fn fault(&self, report: &Report) -> Option<&'static str> {
        let is_protocol = self.scope.flaw == Flaw::None;
        match (&report.wrong, self.expected) {
            (Some(_), Expected::Violation) => None,
            (Some(_), Expected::Holds) if is_protocol => Some("VIOLATION"),
            (Some(_), Expected::Holds) => Some("KILLED: the README says that it is not"),
            (None, _) if !report.complete => Some("NOT ALL STATES"),
            (None, Expected::Violation) => Some("NOT KILLED"),
            (None, Expected::Holds) if is_protocol && report.recovered.1 > 0 => {
                Some("DOES NOT RECOVER")
            }
            (None, Expected::Holds) => None,
        }
    }
}

/// Runs all jobs, and calls `done` with each in turn. A search gives up beyond `most`
/// states.
pub fn run(jobs: &[Job], most: usize, mut done: impl FnMut(&Job, &Report)) {
    let next = AtomicUsize::new(0);
    let (reports, reported) = mpsc::channel();
    std::thread::scope(|threads| {
        for _ in 0..WORKERS {
            let (reports, next) = (reports.clone(), &next);
            threads.spawn(move || {
                while let Some((at, job)) = take(jobs, next) {
                    // The receiver lives until all threads have ended.
                    let _ = reports.send((at, search(&job.scope, most)));
                }
            });
        }
        drop(reports);
        let mut early = std::collections::BTreeMap::new();
        let mut at = 0;
        for (reported_at, report) in reported {
            early.insert(reported_at, report);
            while let Some(report) = early.remove(&at) {
                done(&jobs[at], &report);
                at += 1;
            }
        }
    });
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(at).map(|job| (at, job))
}
