//! The model in its smallest scopes, and the shortest traces of some mutants.

use super::flaw::Flaw;
use super::scope::Scope;
use super::{MUTANTS, scopes};
use crate::job::Job;
use crate::model::Model;
use crate::run::run;
use crate::search::{search, trace};

const MOST: usize = 2_000_000;

fn scope(name: &str) -> Scope {
    scopes().into_iter().find(|scope| scope.name == name).expect("a scope of that name")
}

#[test]
fn the_model_holds_in_small_scopes_and_comes_across_duplicates() {
    for name in ["sets", "sets-dropped"] {
        let report = search(&scope(name), MOST);
        assert!(report.complete && report.wrong.is_none(), "{name}: {:?}", report.wrong);
        assert_eq!(report.notable.len(), 5, "{name}: {:?}", report.notable);
    }
}

#[test]
fn each_mutant_ends_as_it_must() {
    let scopes = scopes();
    let jobs = MUTANTS.iter().flat_map(|mutant| Job::of_mutant(mutant, &scopes));
    let jobs: Vec<Job> = jobs.collect();
    assert!(jobs.len() >= MUTANTS.len());
    let mut faults = Vec::new();
    run(&jobs, MOST, |job, report| {
        faults.extend(job.fault(report).map(|fault| format!("{:?}: {fault}", job.flaw())));
    });
    assert_eq!(faults, [""; 0]);
}

#[test]
fn a_pause_between_two_clocks_is_found() {
    let scope = scope("sets").with(Flaw::RestIsReadBeforeTheClock);
    let violation = search(&scope, MOST).wrong.expect("the order counts");
    let steps = trace(&scope, &violation);
    let at = |step: &str| steps.iter().position(|line| line.starts_with(step));
    let (read, sent) = (at("ReadsWhatIsFirst"), at("SendsTheSet"));
    let paused = read.zip(sent).map(|(read, sent)| steps[read..sent].join(" "));
    assert!(paused.is_some_and(|paused| paused.contains("ClientTicks")), "{steps:?}");
    assert!(at("RemoveIsConfirmed") < at("OwnerMakesTheSet"), "{steps:?}");
}
