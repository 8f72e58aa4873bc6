//! Breadth-first search over all states of a scope, so that a counterexample is a
//! shortest one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::model::Model;
use crate::seen::Seen;

/// Recovery is tried in one of so many states.
const RECOVERS_ONE_OF: u64 = 512;

/// States whose steps are looked up together: what they lead to fits in the cache.
const AT_A_TIME: usize = 64;

/// The parent of a first state.
const NONE: u64 = 0;

/// What a search found.
#[derive(Debug)]
pub struct Report {
    /// How many states were visited.
    pub states: usize,
    /// Steps to the last of them.
    pub depth: usize,
    /// By the wall clock.
    pub took: Duration,
    /// All states of the scope were visited.
    pub complete: bool,
    /// What was come across.
    pub notable: Vec<&'static str>,
    /// States that recover, and that do not, among those that were tried.
    pub recovered: (usize, usize),
    /// What is wrong after `depth` steps.
    pub wrong: Option<Violation>,
}

/// A state that must not be.
#[derive(Debug)]
pub struct Violation {
    /// What is wrong in it.
    pub what: String,
    fingerprint: u64,
}

/// Explores `scope`, and gives up beyond `most` states.
#[must_use]
pub(crate) fn search<M: Model>(scope: &M, most: usize) -> Report {
    explore(scope, most, |_, _| {})
}

/// Calls `visit` with each new state and its parent, as fingerprints.
fn explore<M: Model>(scope: &M, most: usize, mut visit: impl FnMut(u64, u64)) -> Report {
    let began = Instant::now();
    let mut report = Report::new();
    let mut seen = Seen::new();
    let mut next: Vec<(M::State, u64)> = Vec::new();
    let firsts = scope.first().into_iter();
    let mut found: Vec<(M::State, u64, u64)> =
        firsts.map(|first| (first, M::fingerprint(&first), NONE)).collect();
    let mut add = |found: &mut Vec<(M::State, u64, u64)>, next: &mut Vec<(M::State, u64)>| {
        seen.reserve(found.len());
        seen.touch(found.iter().map(|(_, fingerprint, _)| *fingerprint));
        for (state, fingerprint, parent) in found.drain(..) {
            if seen.insert(fingerprint) {
                visit(fingerprint, parent);
                next.push((state, fingerprint));
            }
        }
        seen.len()
    };
    report.states = add(&mut found, &mut next);
    loop {
        let level = std::mem::take(&mut next);
        for states in level.chunks(AT_A_TIME) {
            for (state, fingerprint) in states {
                report.look_at(state, scope, *fingerprint);
                let step = |_, to| found.push((to, M::fingerprint(&to), *fingerprint));
                scope.steps(state, step);
            }
            report.states = add(&mut found, &mut next);
            if report.wrong.is_some() {
                break;
            }
        }
        report.took = began.elapsed();
        report.complete = next.is_empty() && report.wrong.is_none();
        if report.complete || report.wrong.is_some() || report.states > most {
            return report;
        }
        report.depth += 1;
    }
}

impl Report {
    fn new() -> Self {
        Self {
            states: 0,
            depth: 0,
            took: Duration::ZERO,
            complete: false,
            notable: Vec::new(),
            recovered: (0, 0),
            wrong: None,
        }
    }

    fn look_at<M: Model>(&mut self, state: &M::State, scope: &M, fingerprint: u64) {
        if self.wrong.is_none() {
            self.wrong = scope.wrong(state).map(|what| Violation { what, fingerprint });
        }
        for (is, what) in scope.notable(state) {
            if is && !self.notable.contains(&what) {
                self.notable.push(what);
            }
        }
        if fingerprint.is_multiple_of(RECOVERS_ONE_OF) {
            match scope.recovers(state) {
                Some(true) => self.recovered.0 += 1,
                Some(false) => self.recovered.1 += 1,
                None => {}
            }
        }
    }
}

/// The steps to a violation, a line each, between the first state and the last.
///
/// # Panics
/// If `violation` is not of this scope.
#[must_use]
pub(crate) fn trace<M: Model>(scope: &M, violation: &Violation) -> Vec<String> {
    let mut parents = HashMap::new();
    let _ = explore(scope, usize::MAX, |state, parent| {
        parents.insert(state, parent);
    });
    let mut path = vec![violation.fingerprint];
    while let Some(parent) = parents.get(&path[path.len() - 1]).filter(|parent| **parent != NONE) {
        path.push(*parent);
    }
    path.reverse();
    let mut firsts = scope.first().into_iter();
    let first = firsts.find(|first| M::fingerprint(first) == path[0]);
    let mut state = first.expect("a path begins with a first state");
    let mut lines = vec![state.to_string()];
    for fingerprint in &path[1..] {
        let mut step = None;
        let found = |act: M::Act, to: M::State| {
            if M::fingerprint(&to) == *fingerprint && step.is_none() {
                step = Some((act, to));
            }
        };
        scope.steps(&state, found);
        let (act, to) = step.expect("a state follows from its parent");
        lines.push(format!("{act:?}"));
        state = to;
    }
    lines.push(state.to_string());
    lines
}
