//! Small scopes and mutants with short traces, in seconds. `ci` runs all of them.

use super::flaw::Flaw;
use super::flaws::MUTANTS;
use super::job::{Expected, Job};
use super::model::Model;
use super::run::run;
use super::scope::Scope;
use super::scopes::{ci_scopes, scopes};
use super::search::{search, trace};

const MOST: usize = 2_000_000;

fn scope(name: &str) -> Scope {
    scopes().into_iter().find(|scope| scope.name == name).expect("a scope of that name")
}

/// What is not as expected, a line each.
fn faults(jobs: &[Job]) -> Vec<String> {
    let mut faults = Vec::new();
    run(jobs, MOST, |job, report| {
        let fault = job.fault(report);
        let flaw = job.flaw().unwrap_or_default();
        faults.extend(fault.map(|fault| format!("{flaw} {}: {fault}", job.scope())));
    });
    faults
}

#[test]
fn the_protocol_holds_in_small_scopes() {
    let small = ["rights-few", "rights", "rights-wipe", "vouch-few", "vouch-crash", "copies"];
    let jobs: Vec<Job> = small.iter().map(|name| Job::of_protocol(scope(name))).collect();
    assert_eq!(faults(&jobs), [""; 0]);
}

#[test]
fn a_broken_rule_is_found_where_it_must_be() {
    let flaws = [
        Flaw::JoinsWithoutAcks,
        Flaw::AcksWithGhosts,
        Flaw::FirstJoinerIgnoresRecords,
        Flaw::KeyOfAFormerIdIsBelieved,
        Flaw::KeyReplacesRecords,
        Flaw::KeyIsWrittenBeforeJoining,
        Flaw::ReadDoesNotShowItsEntry,
        Flaw::FlightSurvivesChanges,
        Flaw::ChangeDoesNotWaitForCopies,
    ];
    let chosen = MUTANTS.iter().filter(|mutant| flaws.contains(&mutant.flaw));
    let jobs: Vec<Job> = chosen.flat_map(|mutant| Job::of_mutant(mutant, &scopes())).collect();
    assert!(jobs.len() >= flaws.len());
    assert_eq!(faults(&jobs), [""; 0]);
}

#[test]
fn a_mutant_that_survives_where_it_must_not_is_a_fault() {
    let scope = scope("rights-few").with(Flaw::VouchesForTheUnjoined);
    let job = Job::new(scope, Expected::Violation);
    assert_eq!(faults(&[job]), ["VouchesForTheUnjoined rights-few: NOT KILLED"]);
}

#[test]
fn a_violation_of_the_protocol_is_a_fault() {
    let scope = scope("rights-few").with(Flaw::JoinsWithoutAcks);
    let report = search(&scope, MOST);
    assert!(Job::of_protocol(scope).fault(&report).is_some());
}

#[test]
fn a_search_that_gives_up_is_a_fault() {
    let job = Job::of_protocol(scope("rights-few"));
    assert_eq!(job.fault(&job.run(100)), Some("NOT ALL STATES"));
}

#[test]
fn a_trace_is_a_shortest_one() {
    let scope = scope("rights-wipe").with(Flaw::FirstJoinerDoesNotWait);
    let violation = search(&scope, MOST).wrong.expect("the wait is needed");
    let trace = trace(&scope, &violation);
    assert_eq!(trace[1..4], ["EtcdLosesAll", "Registers(1)", "Joins(1)"]);
    assert_eq!(trace.len(), 5, "it is between the first state and the last");
}

#[test]
fn each_mutant_has_a_scope_in_ci() {
    let scopes = ci_scopes();
    let jobs: Vec<Job> =
        MUTANTS.iter().flat_map(|mutant| Job::of_mutant(mutant, &scopes)).collect();
    assert!(jobs.len() >= MUTANTS.len());
    assert!(
        MUTANTS
            .iter()
            .all(|mutant| jobs.iter().any(|job| job.flaw() == Some(format!("{:?}", mutant.flaw))))
    );
}
