//! Whole groups of several nodes over a simulated network, registry, source and
//! clock: one thread, one seed, and everything that happens follows from it.
//!
//! Nodes are the real thing from `Group::get` down to the store, with the real right to
//! hold keys and the real registration: leases, views, acks, vouching, hand-over, copies
//! of hot keys. What is simulated is what lies between them: messages that take their
//! time, overtake each other, get lost, or arrive after their sender has given up; links
//! that are cut; nodes that crash, pause, leave, and come back empty; a registry that some
//! can't reach, that is down, whose answers are lost, or that loses all it knew.
//!
//! What is promised is in `docs/consistency.md`; here it is checked, and more: at any
//! moment at most one node holds a key.
//!
//! Parts of the protocol are taken away in the product's own code (`psycache::flaw`, the
//! feature `flaws`), to see that this finds out: `cargo xtask simulate` builds it so.
//!
//! `PSYCACHE_SIMULATED_SEEDS=100000` runs more of them than a test run does, and
//! `PSYCACHE_SIMULATED_SEED=17` runs one and says what happened in it;
//! `PSYCACHE_SIMULATED_FLAW=GhostsAreNotKept` looks for this flaw only.
#![allow(
    clippy::disallowed_methods,
    reason = "each process of the simulation is a runtime that is driven by hand"
)]
#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a test that fails says all it knows")]

mod clients;
mod faults;
mod history;
mod holders;
mod idle;
mod links;
mod network;
mod node;
mod outcome;
mod process;
mod profile;
mod registry;
mod rejoins;
mod source;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use outcome::RunOutcome;
use psycache::flaw::Flaw;

/// Seeds of an ordinary run; a few seconds on one core.
const SEEDS: u64 = 1_000;

/// Seeds in which a flaw must show.
const SEEDS_FOR_A_FLAW: u64 = 5_000;

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value:?}")))
}

/// Runs seeds on all cores until one of them shows something wrong.
fn first_wrong(
    seeds: std::ops::Range<u64>,
    flaw: Option<Flaw>,
) -> (Option<RunOutcome>, RunOutcome) {
    let next = AtomicU64::new(seeds.start);
    let wrong_at = AtomicU64::new(u64::MAX);
    let work = || {
        let (mut wrong, mut total) = (None, RunOutcome::default());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || seed > wrong_at.load(Ordering::Relaxed) {
                return (wrong, total);
            }
            let outcome = world::run(seed, flaw, false);
            total.add(&outcome);
            if !outcome.wrong.is_empty() {
                wrong_at.fetch_min(seed, Ordering::Relaxed);
                wrong = Some(outcome);
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let (mut wrong, mut total) = (None::<RunOutcome>, RunOutcome::default());
        for thread in threads {
            let (found, counted) = thread.join().expect("a seed does not panic");
            total.add(&counted);
            let earlier = |found: &RunOutcome| wrong.as_ref().is_none_or(|w| found.seed < w.seed);
            if let Some(found) = found.filter(earlier) {
                wrong = Some(found);
            }
        }
        (wrong, total)
    })
}

#[test]
fn no_seed_shows_an_older_value() {
    if let Some(seed) = from_environment("PSYCACHE_SIMULATED_SEED") {
        let outcome = world::run(seed, None, true);
        eprintln!("{}\n{outcome}", outcome.story.join("\n"));
        assert!(outcome.wrong.is_empty(), "seed {seed}: {}", outcome.wrong.join("; "));
        return;
    }
    let seeds = from_environment("PSYCACHE_SIMULATED_SEEDS").unwrap_or(SEEDS);
    let began = Instant::now();
    let (wrong, total) = first_wrong(0..seeds, None);
    if let Some(wrong) = wrong {
        let again = format!("PSYCACHE_SIMULATED_SEED={}", wrong.seed);
        panic!("{again}: {}", wrong.wrong.join("; "));
    }
    eprintln!("{seeds} seeds in {:?}: {total}", began.elapsed());
    assert!(total.oks > seeds && total.not_confirmed > 0 && total.vouches > 0, "{total}");
    assert!(total.hot > 0 && total.hot_in_client > 0, "{total}");
    assert!(total.inherited > 0 && total.handed_over > 0, "{total}");
}

/// What is told of a seed follows from the seed alone.
#[test]
fn a_seed_tells_the_same_story_again() {
    for seed in 0..50 {
        let [first, second] = [(); 2].map(|()| world::run(seed, None, true).story);
        let differs = first.iter().zip(&second).find(|(first, second)| first != second);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// Each takes one part of the argument away, and must be found out.
#[test]
fn every_flaw_shows() {
    let only = std::env::var("PSYCACHE_SIMULATED_FLAW").ok();
    let seeds = from_environment("PSYCACHE_SIMULATED_SEEDS").unwrap_or(SEEDS_FOR_A_FLAW);
    let harmless: Vec<Flaw> = Flaw::ALL
        .into_iter()
        .filter(|flaw| only.as_ref().is_none_or(|only| *only == format!("{flaw:?}")))
        .filter(|flaw| {
            let (wrong, _) = first_wrong(0..seeds, Some(*flaw));
            if let Some(wrong) = &wrong {
                eprintln!("{flaw:?} shows with seed {}: {}", wrong.seed, wrong.wrong[0]);
            }
            wrong.is_none()
        })
        .collect();
    assert!(harmless.is_empty(), "these do no harm: {harmless:?}");
}
