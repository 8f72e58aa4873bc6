//! `psycache policy check`: its report on correct policies and on faulty ones.

use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{psycache_command, run, stderr, stdout};
use crate::museum::exhibits;

/// Each exhibit that loads, with a rule, how it stands to that, and words of what is said.
const TOLD: [(&str, &str, &str, &str); 32] = [
    ("allocate-for-ever", "survives", "failure", "bytes of memory"),
    ("believes-touches", "unknown", "failure", "`touched` or `removed`, changed what it named"),
    ("deep-recursion", "survives", "failure", "stack"),
    ("endless-list", "survives", "failure", "trapped"),
    ("every-slot", "need-zero", "failure", "and the need was 0"),
    ("evicts-all-at-once", "surplus", "warning", "victims after the need was met"),
    ("everything", "need", "warning", "needs were met"),
    ("first-touch-only", "batches", "warning", "at 64 with 10 % of the touches lost"),
    ("fixed-stride", "attributes", "failure", "two attributes more for each entry changed"),
    ("forges-snapshots", "snapshot", "failure", "took a state of another format for its own"),
    ("forgets-overwrites", "overwrite", "failure", "instead of touched, changed what it named"),
    ("ghosts-for-ever", "ghosts", "failure", "8 bytes for each entry that left"),
    ("hoards-handles", "survives", "failure", "trapped"),
    ("just-removed", "resident", "failure", "where nothing was ever stored"),
    ("large-records", "memory", "warning", "bytes an entry"),
    ("lies-in-introspect", "statistics", "failure", "its name is given twice"),
    ("log-flood", "drain", "failure", "named 0 of"),
    ("loop-later", "survives", "failure", "ran longer than 100 ms"),
    ("never-admitted", "resident", "failure", "where nothing was ever stored"),
    ("newest-only", "need-zero", "failure", "and the need was 0"),
    ("no-slot", "drain", "failure", "named 0 of the"),
    ("no-such-slot", "resident", "failure", "which is not below max-entries"),
    ("one-at-a-time", "need", "failure", "more when it was asked again"),
    ("reads-the-clock", "deterministic", "failure", "another time on the clock of WASI changed"),
    ("removes-last", "reuse", "failure", "instead of two, changed what it named"),
    ("same-slot-twice", "unique", "failure", "twice"),
    ("searches-in-a-scan", "instructions", "warning", "a scan"),
    ("slow", "latency", "warning", "99th percentile"),
    ("takes-any-option", "options", "failure", "a typing error would go unnoticed"),
    ("trap-later", "survives", "failure", "trapped"),
    ("asks-for-everything", "drain", "failure", "named 0 of"),
    ("no-slot", "need", "warning", "needs were met"),
];

/// Those that a node does not load, with words of why.
const REFUSED: [(&str, &str); 6] = [
    ("loop-in-configure", "ran longer than 2000 ms"),
    ("loop-in-start", "ran longer than 2000 ms"),
    ("loop-in-step", "ran longer than 100 ms"),
    ("memory-at-once", "wanted more than"),
    ("one-too-many", "at most 64 were allowed"),
    ("trap-in-step", "trapped"),
];

/// A folder to check in, because failures are written there.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn exhibit(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name).with_extension("wasm");
        std::fs::write(&path, exhibits::policy(name)).unwrap();
        path
    }

    /// Exit code, and what is said on both.
    fn check(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = psycache_command(["policy", "check"]);
        command.args(args).current_dir(self.folder.path());
        let output = run(command, b"");
        let code = output.status.code().expect("it ends by itself");
        (code, stdout(&output).to_owned(), stderr(&output).to_owned())
    }

    fn report(&self, policy: &str) -> Value {
        let (_, printed, complaint) = self.check(&[policy, "--json"]);
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{policy}: {complaint}"))
    }
}

/// The line of a rule.
fn line<'a>(report: &'a Value, rule: &str) -> &'a Value {
    let rules = report["rules"].as_array().unwrap();
    let found = rules.iter().find(|line| line["rule"] == rule);
    found.unwrap_or_else(|| panic!("no line about {rule} in {report:#}"))
}

/// The rules with a verdict.
fn having(report: &Value, verdict: &str) -> Vec<String> {
    let rules = report["rules"].as_array().unwrap();
    let lines = rules.iter().filter(|line| line["verdict"] == verdict);
    lines.map(|line| line["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_builtin_keeps_every_rule() {
    let bench = Bench::new();
    let list = run(psycache_command(["policy", "list", "--json"]), b"");
    let list: Value = serde_json::from_str(stdout(&list)).unwrap();
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 9);
    for name in names {
        let report = bench.report(name);
        let time = |line: &String| line != "latency";
        let mut warned = having(&report, "warning");
        warned.retain(time);
        assert!(warned.is_empty() && having(&report, "failure").is_empty(), "{report:#}");
        assert_eq!(having(&report, "skipped"), ["snapshot"], "{report:#}");
    }
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), 0, "no failure, no file");
}

#[test]
fn each_exhibit_is_told_what_is_wrong_with_it() {
    let tell = |(name, rule, verdict, words): &(&str, &str, &str, &str)| {
        let bench = Bench::new();
        let report = bench.report(bench.exhibit(name).to_str().unwrap());
        let line = line(&report, rule);
        assert_eq!(line["verdict"], **verdict, "{name}: {report:#}");
        let seen = line["seen"].as_str().unwrap();
        assert!(seen.contains(words), "{name}, {rule}: {seen}");
        assert!(line["mend"].is_string(), "{name}: {line}");
    };
    // Two at a time, because each waits for its processor only.
    thread::scope(|scope| {
        let (one, other) = TOLD.split_at(TOLD.len() / 2);
        for half in [one, other] {
            scope.spawn(move || half.iter().for_each(tell));
        }
    });
}

#[test]
fn what_does_not_load_is_told_why() {
    let bench = Bench::new();
    for (name, words) in REFUSED {
        let (code, _, complaint) = bench.check(&[bench.exhibit(name).to_str().unwrap()]);
        assert_eq!(code, 1, "{name}: {complaint}");
        assert!(complaint.contains(words), "{name}: {complaint}");
    }
}

#[test]
fn no_exhibit_is_left_out() {
    let told = TOLD.iter().map(|told| told.0).chain(REFUSED.iter().map(|refused| refused.0));
    let mut told: Vec<&str> = told.collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(exhibits::names("policies"), told);
}

/// An LRU with one flaw breaks the rule about it, and no other.
#[test]
fn one_flaw_is_told_once() {
    let bench = Bench::new();
    for (name, broken) in [
        ("reads-the-clock", "deterministic"),
        ("ghosts-for-ever", "ghosts"),
        ("takes-any-option", "options"),
        ("fixed-stride", "attributes"),
    ] {
        let report = bench.report(bench.exhibit(name).to_str().unwrap());
        assert_eq!(having(&report, "failure"), [broken], "{report:#}");
    }
}

#[test]
fn a_failure_is_made_small_and_runs_again() {
    let bench = Bench::new();
    let policy = bench.exhibit("forgets-overwrites");
    let policy = policy.to_str().unwrap();
    let report = bench.report(policy);
    let file = line(&report, "overwrite")["replay"].as_str().unwrap().to_owned();
    assert_eq!(file, "forgets-overwrites.overwrite.jsonl");
    let script = std::fs::read_to_string(bench.folder.path().join(&file)).unwrap();
    // Two entries come and the older one is overwritten; little more is left.
    let stored = script.matches("slot").count();
    assert!(script.lines().count() <= 8 && stored <= 6, "{script}");

    let (code, printed, complaint) = bench.check(&[policy, "--replay", &file]);
    assert_eq!(code, 1, "{printed}{complaint}");
    assert!(printed.contains("step 1: {\"admitted\":[{\"slot\":"), "{printed}");
    assert!(printed.contains("FAILURE  overwrite"), "{printed}");
    // A policy that is right keeps the rule in the same script.
    let (code, printed, complaint) = bench.check(&["lru", "--replay", &file, "--json"]);
    assert_eq!(code, 0, "{printed}{complaint}");
    assert!(printed.contains("keeps the rule in this script"), "{printed}");
}

#[test]
fn the_same_seed_makes_the_same_scripts() {
    let bench = Bench::new();
    let policy = bench.exhibit("removes-last");
    let policy = policy.to_str().unwrap();
    let script = |seed: &str| {
        let (code, printed, _) = bench.check(&[policy, "--seed", seed]);
        assert_eq!(code, 1, "{printed}");
        assert!(printed.contains(&format!("removes-last.wasm, seed {seed}\n")), "{printed}");
        std::fs::read_to_string(bench.folder.path().join("removes-last.reuse.jsonl")).unwrap()
    };
    let first = script("7");
    assert_eq!(script("7"), first);
    assert_ne!(script("8"), first);
}

#[test]
fn what_is_typed_wrong_is_told_with_a_mend() {
    let bench = Bench::new();
    let write = |name: &str, text: &str| std::fs::write(bench.folder.path().join(name), text);
    write("empty.jsonl", "").unwrap();
    write("cut.jsonl", "{\"rule\":\"drain\",\"capacity\":1").unwrap();
    let head = r#"{"rule":"drains","capacity":1,"max-entries":1,"max-victims":1,"seed":1}"#;
    write("rule.jsonl", head).unwrap();
    for (args, code, words) in [
        (&["lruu"][..], 1, "did you mean lru?"),
        (&["static"], 1, "it is a retriever: give it as one"),
        (&["lru", "--opt", "k=2"], 1, "it has no option k (there are no options)"),
        (&["lru", "--opt", "k"], 2, "invalid value 'k'"),
        (&["lruk", "--opt", "k=2", "--opt", "k=3"], 2, "the option k is given twice"),
        (&["lru", "--seed", "x"], 2, "invalid value 'x' for '--seed"),
        (&["lru", "--replay", "none.jsonl"], 1, "none.jsonl: it can't be read; check the path"),
        (&["lru", "--replay", "empty.jsonl"], 1, "the file is empty; give one that"),
        (&["lru", "--replay", "cut.jsonl"], 1, "line 1: EOF while parsing"),
        (&["lru", "--replay", "rule.jsonl"], 1, "there is no rule \"drains\" of scripts"),
        (&["lru", "--replay", "x", "--opt", "k=2"], 2, "cannot be used with"),
    ] {
        let (ended, printed, complaint) = bench.check(args);
        assert_eq!(ended, code, "{args:?}: {printed}{complaint}");
        assert!(complaint.contains(words), "{args:?}: {complaint}");
    }
}

/// A folder that nobody may write to does not hide the failure.
#[test]
fn a_failure_that_cannot_be_written_is_told_all_the_same() {
    let bench = Bench::new();
    let policy = bench.exhibit("forgets-overwrites");
    // A folder in the place of the file.
    let place = bench.folder.path().join("forgets-overwrites.overwrite.jsonl");
    std::fs::create_dir(&place).unwrap();
    let report = bench.report(policy.to_str().unwrap());
    let line = line(&report, "overwrite");
    assert!(line["seen"].as_str().unwrap().contains("can't be written"), "{line}");
    assert!(Path::new(&place).is_dir() && line["replay"].is_null());
}
