//! The fuzz targets without a fuzzer: over their corpus, and over random
//! variations of it. `cargo xtask fuzz` looks further.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is a library")]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore, SeedableRng};

/// Longest variation.
const LONGEST: usize = 16 << 10;

/// Inputs that nobody has thought of, from those that somebody has.
struct Variations<'a> {
    corpus: &'a [Vec<u8>],
    random: StdRng,
}

impl Variations<'_> {
    fn next(&mut self) -> Vec<u8> {
        let mut input = match self.random.random_ratio(1, 8) {
            true => self.noise(256),
            false => self.corpus.choose(&mut self.random).cloned().unwrap_or_default(),
        };
        for _ in 0..self.random.random_range(1..8) {
            self.vary(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn vary(&mut self, input: &mut Vec<u8>) {
        let at = self.random.random_range(0..=input.len());
        let end = self.random.random_range(at..=input.len().min(at + 32));
        match self.random.random_range(0..6) {
            0 if at < input.len() => input[at] ^= 1 << self.random.random_range(0..8),
            1 if at < input.len() => input[at] = self.random.random(),
            2 => drop(input.drain(at..end)),
            3 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 => {
                let other = self.corpus.choose(&mut self.random).cloned().unwrap_or_default();
                let from = self.random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let noise = self.noise(8);
                input.splice(at..at, noise);
            }
        }
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        let mut noise = vec![0; self.random.random_range(0..=longest)];
        self.random.fill_bytes(&mut noise);
        noise
    }
}

/// Runs the target over its corpus and as many variations of it.
fn survives(name: &str, variations: usize) {
    let (_, target) = targets::TARGETS
        .into_iter()
        .find(|(target, _)| *target == name)
        .expect("the target exists");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("every target has a corpus")
        .map(|entry| entry.expect("the corpus can be listed").path())
        .collect();
    files.sort();
    let corpus: Vec<_> =
        files.iter().map(|file| fs::read(file).expect("the corpus can be read")).collect();
    assert!(!corpus.is_empty(), "{} is empty", folder.display());
    for input in &corpus {
        try_one(name, target, input);
    }
    let mut varied = Variations { corpus: &corpus, random: StdRng::seed_from_u64(1) };
    for _ in 0..variations {
        try_one(name, target, &varied.next());
    }
}

/// Keeps an input that is not survived, so that it can be looked into.
fn try_one(name: &str, target: fn(&[u8]), input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"));
        fs::write(&kept, input).expect("the target folder can be written to");
        eprintln!("{name} does not survive {}", kept.display());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        let program = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("psycache_fuzz::{name}::run(input)")), "{program}");
        assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name}");
    }
}

#[test]
fn any_answer_of_a_policy_is_survived() {
    survives("answers", 2_000);
}

#[test]
fn any_component_is_refused_or_bounded() {
    survives("components", 400);
}

#[test]
fn any_config_file_is_taken_or_explained() {
    survives("config", 4_000);
}

#[test]
fn any_bytes_of_a_redis_client_are_answered() {
    survives("redis", 1_500);
}

#[test]
fn any_request_is_answered() {
    survives("requests", 1_000);
}

#[test]
fn any_trace_is_replayed_or_explained() {
    survives("traces", 2_000);
}
