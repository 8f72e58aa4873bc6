//! The searches that the command line has names for, of both models.

use crate::flaws::MUTANTS;
use crate::job::{Expected, Job};
use crate::model::Model;
use crate::mutant::Mutant;
use crate::scope::Scope;
use crate::scopes::{ci_scopes, scopes};
use crate::sets;

/// The scopes and the mutants of one model.
struct Listed<M: Model> {
    scopes: Vec<M>,
    mutants: &'static [Mutant<M::Flaw>],
}

/// Of the protocol between nodes, and of the sets of a client.
type Both = (Listed<Scope>, Listed<sets::Scope>);

fn both(scopes: Vec<Scope>) -> Both {
    let sets = Listed { scopes: sets::scopes(), mutants: sets::MUTANTS };
    (Listed { scopes, mutants: MUTANTS }, sets)
}

/// The models as they are, in the scopes of these names, or in all.
///
/// # Errors
/// There is no scope of such a name.
pub fn checks(names: &[&str]) -> Result<Vec<Job>, String> {
    let (nodes, sets) = both(scopes());
    check_names("scope", names, &[nodes.scope_names(), sets.scope_names()].concat())?;
    Ok(nodes.checks(names).chain(sets.checks(names)).collect())
}

/// The mutants of these names, or all, in the scopes where they must be killed.
///
/// # Errors
/// There is no mutant of such a name.
pub fn flaws(names: &[&str]) -> Result<Vec<Job>, String> {
    let (nodes, sets) = both(scopes());
    check_names("flaw", names, &[nodes.flaw_names(), sets.flaw_names()].concat())?;
    Ok(nodes.flaws(names).chain(sets.flaws(names)).collect())
}

/// One mutant in one scope.
///
/// # Errors
/// There is no such mutant, or no such scope of its model.
pub fn single(flaw: &str, scope: &str) -> Result<Job, String> {
    let (nodes, sets) = both(scopes());
    check_names("flaw", &[flaw], &[nodes.flaw_names(), sets.flaw_names()].concat())?;
    let names = match nodes.flaw_names().iter().any(|name| name == flaw) {
        true => nodes.scope_names(),
        false => sets.scope_names(),
    };
    check_names("scope", &[scope], &names)?;
    let job = nodes.single(flaw, scope).or_else(|| sets.single(flaw, scope));
    job.ok_or_else(|| format!("{flaw} has no scope {scope}"))
}

/// All scopes and all mutants, the largest scopes between nodes with smaller bounds.
#[must_use]
pub fn ci() -> Vec<Job> {
    let (nodes, sets) = both(ci_scopes());
    let checks = nodes.checks(&[]).chain(sets.checks(&[]));
    checks.chain(nodes.flaws(&[])).chain(sets.flaws(&[])).collect()
}

fn check_names(what: &str, names: &[&str], known: &[String]) -> Result<(), String> {
    match names.iter().find(|name| known.iter().all(|known| known != *name)) {
        Some(name) => Err(format!("there is no {what} {name}; there are {}", known.join(", "))),
        None => Ok(()),
    }
}

impl<M: Model> Listed<M> {
    fn scope_names(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| scope.name().to_owned()).collect()
    }

    fn flaw_names(&self) -> Vec<String> {
        self.mutants.iter().map(|mutant| format!("{:?}", mutant.flaw)).collect()
    }

    fn checks(&self, names: &[&str]) -> impl Iterator<Item = Job> {
        let chosen = |scope: &&M| names.is_empty() || names.contains(&scope.name());
        self.scopes.iter().filter(chosen).cloned().map(Job::of_protocol)
    }

    fn flaws(&self, names: &[&str]) -> impl Iterator<Item = Job> {
        let chosen = |mutant: &&Mutant<M::Flaw>| {
            names.is_empty() || names.contains(&format!("{:?}", mutant.flaw).as_str())
        };
        self.mutants.iter().filter(chosen).flat_map(|mutant| Job::of_mutant(mutant, &self.scopes))
    }

    /// What must become of a mutant in a scope that it has no line for is not known: then it
    /// may be killed.
    fn single(&self, flaw: &str, scope: &str) -> Option<Job> {
        let known = self.flaws(&[flaw]).find(|job| job.scope() == scope);
        known.or_else(|| {
            let mutant = self.mutants.iter().find(|mutant| format!("{:?}", mutant.flaw) == flaw)?;
            let scope = self.scopes.iter().find(|of| of.name() == scope)?;
            Some(Job::new(scope.with(mutant.flaw), Expected::Violation))
        })
    }
}
