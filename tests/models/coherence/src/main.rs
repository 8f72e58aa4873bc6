//! The command line: checks scopes, runs mutants, shows a trace.

use std::process::ExitCode;
use std::time::Instant;

use psycache_coherence_model::{Job, Report, checks, ci, flaws, run, single};

const USAGE: &str = "\
check [SCOPE..]   the protocol as it is, in all scopes or in some
flaws [FLAW..]    all mutants or some, in the scopes where they must be killed
flaw FLAW SCOPE   one mutant in one scope, with its trace
ci                all scopes and all mutants, the largest scopes with fewer first states

The environment variable MOST is the number of states beyond which a search gives up
(30000000).";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let jobs = match arguments[..] {
        ["check", ref names @ ..] => checks(names),
        ["flaws", ref names @ ..] => flaws(names),
        ["flaw", flaw, scope] => single(flaw, scope).map(|job| vec![job]),
        ["ci"] => Ok(ci()),
        _ => Err(USAGE.into()),
    };
    match jobs {
        Ok(jobs) if all_as_expected(&jobs, arguments[0] == "flaw") => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// Runs the jobs and prints a line for each.
fn all_as_expected(jobs: &[Job], traces: bool) -> bool {
    let began = Instant::now();
    let most = std::env::var("MOST").ok().and_then(|most| most.parse().ok());
    let (mut states, mut faults) = (0, 0);
    run(jobs, most.unwrap_or(30_000_000), |job, report| {
        states += report.states;
        faults += usize::from(job.fault(report).is_some());
        print(job, report, traces);
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("{} searches, {states} states, {seconds:.0} s, {faults} not as expected", jobs.len());
    faults == 0
}

fn print(job: &Job, report: &Report, traces: bool) {
    let flaw = job.flaw().map_or_else(String::new, |flaw| flaw + " ");
    let end = match (&report.wrong, job.fault(report)) {
        (None, None) => "all states".into(),
        (None, Some(fault)) => fault.into(),
        (Some(violation), None) => format!("killed: {}", violation.what),
        (Some(violation), Some(fault)) => format!("{fault}: {}", violation.what),
    };
    println!(
        "{:<46} {:>10} states {:>3} steps {:>6.1} s  {end}",
        format!("{flaw}{}", job.scope()),
        report.states,
        report.depth,
        report.took.as_secs_f64()
    );
    let is_protocol = job.flaw().is_none();
    match &report.wrong {
        Some(violation) if traces || is_protocol => {
            job.trace(violation).iter().for_each(|line| println!("    {line}"));
        }
        None if is_protocol => {
            let notable = report.notable.join("; ");
            match report.recovered {
                (0, 0) => println!("    {notable}"),
                (some, not) => println!("    {some} states recover, {not} do not; {notable}"),
            }
        }
        _ => {}
    }
}
