//! One search, and whether it ended as it must.

use crate::model::Model;
use crate::mutant::Mutant;
use crate::search::{Report, Violation, search, trace};

/// How a search must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// With all states visited, and nothing wrong.
    Holds,
    /// With a violation.
    Violation,
}

/// A search to run.
pub struct Job {
    scope: Box<dyn Explored>,
    expected: Expected,
}

/// A scope of any of the models.
trait Explored: Send + Sync {
    fn name(&self) -> &'static str;
    fn flaw(&self) -> Option<String>;
    fn search(&self, most: usize) -> Report;
    fn trace(&self, violation: &Violation) -> Vec<String>;
}

impl<M: Model> Explored for M {
    fn name(&self) -> &'static str {
        Model::name(self)
    }

    fn flaw(&self) -> Option<String> {
        Model::flaw(self).map(|flaw| format!("{flaw:?}"))
    }

    fn search(&self, most: usize) -> Report {
        search(self, most)
    }

    fn trace(&self, violation: &Violation) -> Vec<String> {
        trace(self, violation)
    }
}

impl Job {
    pub(crate) fn new(scope: impl Model, expected: Expected) -> Self {
        Self { scope: Box::new(scope), expected }
    }

    /// The model as it is must hold in `scope`.
    pub(crate) fn of_protocol(scope: impl Model) -> Self {
        Self::new(scope, Expected::Holds)
    }

    /// What must become of a mutant, in each of its scopes.
    ///
    /// # Panics
    /// If `scopes` lacks one of these.
    pub(crate) fn of_mutant<M: Model>(mutant: &Mutant<M::Flaw>, scopes: &[M]) -> Vec<Self> {
        let killed = mutant.killed_in.iter().map(|name| (*name, Expected::Violation));
        let survived = mutant.survives.iter().map(|name| (*name, Expected::Holds));
        let job = |(name, expected)| {
            let scope = scopes.iter().find(|scope| scope.name() == name);
            let scope = scope.unwrap_or_else(|| panic!("there is no scope {name}"));
            Self::new(scope.with(mutant.flaw), expected)
        };
        killed.chain(survived).map(job).collect()
    }

    /// The name of the scope.
    #[must_use]
    pub fn scope(&self) -> &'static str {
        self.scope.name()
    }

    /// The rule that is broken; `None`: none is.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        self.scope.flaw()
    }

    /// Runs the search, which gives up beyond `most` states.
    #[must_use]
    pub fn run(&self, most: usize) -> Report {
        self.scope.search(most)
    }

    /// The steps to a violation that this search found, a line each.
    #[must_use]
    pub fn trace(&self, violation: &Violation) -> Vec<String> {
        self.scope.trace(violation)
    }

    /// What is not as it must be.
    #[must_use]
    pub fn fault(&self, report: &Report) -> Option<&'static str> {
        let is_protocol = self.flaw().is_none();
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
