//! Caches against a model, and a shadow whose turns a test takes by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use psycache_policy_lru::Lru;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::cache::{Cache, Limits};
use super::plan::{Candidate, Plan};
use super::report::Report;
use super::run::{Next, Run};
use crate::clock::Clock;
use crate::policy::{
    Batch, Failure, Keys, Native, Policy, PolicyConfig, PolicySource, Residents, SharedPolicySource,
};
use crate::store::{Access, AccessKind, NewEntry, Store, StoreConfig};
use crate::sync::Mutex;

fn lru() -> SharedPolicySource {
    Arc::new(Native::<Lru>::new("lru"))
}

/// A policy that fails at its first step.
struct Failing;

impl Policy for Failing {
    fn step(&mut self, _: &Batch, _: u64, _: u64, _: &mut Vec<u32>) -> Result<(), Failure> {
        Err(Failure::Trap("on purpose".into()))
    }
}

/// A policy that names nobody.
struct Idle;

impl Policy for Idle {
    fn step(&mut self, _: &Batch, _: u64, _: u64, _: &mut Vec<u32>) -> Result<(), Failure> {
        Ok(())
    }
}

struct Makes(fn() -> Box<dyn Policy>);

impl PolicySource for Makes {
    fn name(&self) -> &'static str {
        "made"
    }

    fn instantiate(&self, _: &PolicyConfig, _: Arc<dyn Keys>) -> Result<Box<dyn Policy>, Failure> {
        Ok(self.0())
    }
}

fn access(kind: AccessKind, hash: u64, weight: u32, deadline_ms: Option<u64>) -> Access {
    Access { kind, hash, weight, cost_us: 0, deadline_ms, key: None }
}

/// An LRU of keys with weight and deadline, the most recent last.
#[derive(Default)]
struct Model(Vec<(u64, u32, Option<u64>)>);

impl Model {
    fn access(&mut self, access: &Access, bytes: u32, now_ms: u64) -> Option<bool> {
        self.0.retain(|(_, _, deadline_ms)| deadline_ms.is_none_or(|at_ms| at_ms > now_ms));
        let place = self.0.iter().position(|(hash, ..)| *hash == access.hash);
        let entry = (access.hash, access.weight, access.deadline_ms);
        match (access.kind, place) {
            (AccessKind::Hit | AccessKind::Miss, Some(place)) => {
                let entry = self.0.remove(place);
                self.0.push(entry);
                return Some(true);
            }
            (AccessKind::Miss, None) => return Some(false),
            (AccessKind::Loaded | AccessKind::Hit, None) => self.0.push(entry),
            (AccessKind::Set, place) => {
                place.map(|place| self.0.remove(place));
                self.0.push(entry);
            }
            (AccessKind::Removed, place) => drop(place.map(|place| self.0.remove(place))),
            (AccessKind::Cleared, _) => self.0.clear(),
            (AccessKind::Loaded, Some(_)) => {}
        }
        while self.0.iter().map(|(_, weight, _)| weight).sum::<u32>() > bytes {
            self.0.remove(0);
        }
        (access.kind == AccessKind::Hit).then_some(false)
    }
}

#[test]
fn a_cache_does_what_a_model_does() {
    let mut random = StdRng::seed_from_u64(5);
    let limits = Limits { bytes: 400, entries: 1_000 };
    let mut cache = Cache::new(&lru(), &[], limits).unwrap();
    let mut model = Model::default();
    let mut hits = 0;
    for now_ms in 1..20_000 {
        let kind = match random.random_range(0..1_000) {
            0..=500 => AccessKind::Hit,
            501..=700 => AccessKind::Miss,
            701..=850 => AccessKind::Loaded,
            851..=950 => AccessKind::Set,
            951..=998 => AccessKind::Removed,
            _ => AccessKind::Cleared,
        };
        let deadline_ms = random.random_bool(0.3).then(|| now_ms + random.random_range(1..100));
        let weight = random.random_range(1..60);
        let access = access(kind, random.random_range(0..40), weight, deadline_ms);
        let expected = model.access(&access, 400, now_ms);
        assert_eq!(cache.access(&access, now_ms), Ok(expected), "{now_ms}: {access:?}");
        assert_eq!(cache.len(), model.0.len(), "{now_ms}: {access:?}");
        hits += u32::from(expected == Some(true));
    }
    assert!(hits > 1_000, "{hits}");
}

#[test]
fn what_could_never_fit_is_not_admitted_and_drops_what_it_replaces() {
    let mut cache = Cache::new(&lru(), &[], Limits { bytes: 100, entries: 10 }).unwrap();
    cache.access(&access(AccessKind::Loaded, 1, 60, None), 1).unwrap();
    cache.access(&access(AccessKind::Loaded, 2, 101, None), 1).unwrap();
    assert_eq!(cache.len(), 1);
    cache.access(&access(AccessKind::Set, 1, 101, None), 1).unwrap();
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_value_that_is_stored_again_with_the_same_end_takes_no_more_room() {
    let mut cache = Cache::new(&lru(), &[], Limits { bytes: 100, entries: 10 }).unwrap();
    for _ in 0..10_000 {
        cache.access(&access(AccessKind::Set, 1, 1, Some(1_000)), 0).unwrap();
    }
    assert!(cache.ends() < 100, "{}", cache.ends());
}

#[test]
fn a_value_that_replaced_many_others_expires_at_its_own_time() {
    for sets in 1..200 {
        let mut cache = Cache::new(&lru(), &[], Limits { bytes: 100, entries: 10 }).unwrap();
        for now_ms in 1..=sets {
            cache.access(&access(AccessKind::Set, 1, 10, Some(now_ms + 1_000)), now_ms).unwrap();
        }
        let mut get = |now_ms| cache.access(&access(AccessKind::Miss, 1, 0, None), now_ms);
        assert_eq!(get(sets + 999), Ok(Some(true)), "{sets}");
        assert_eq!(get(sets + 1_000), Ok(Some(false)), "{sets}");
    }
}

#[test]
fn the_number_of_entries_is_a_limit_too() {
    let mut cache = Cache::new(&lru(), &[], Limits { bytes: 1_000, entries: 3 }).unwrap();
    for hash in 0..10 {
        cache.access(&access(AccessKind::Loaded, hash, 7, None), 1).unwrap();
    }
    assert_eq!(cache.len(), 3);
    assert_eq!(cache.access(&access(AccessKind::Miss, 9, 0, None), 1), Ok(Some(true)));
}

#[test]
fn a_policy_that_names_nobody_fails_with_a_sentence() {
    let source: SharedPolicySource = Arc::new(Makes(|| Box::new(Idle)));
    let mut cache = Cache::new(&source, &[], Limits { bytes: 10, entries: 10 }).unwrap();
    cache.access(&access(AccessKind::Loaded, 1, 6, None), 1).unwrap();
    let problem = cache.access(&access(AccessKind::Loaded, 2, 6, None), 1).unwrap_err();
    assert_eq!(problem, "the policy named no victim where a weight of 2 had to leave");
}

/// A store of about a hundred entries, asked by the test, and a shadow of it.
struct Bench {
    store: Arc<Store>,
    clock: Clock,
    gets: Arc<[AtomicU64; 2]>,
    run: Run,
    report: Arc<Mutex<Report>>,
}

const CAPACITY: u64 = 12_000;

impl Bench {
    fn new(policies: Vec<SharedPolicySource>, keep: Option<Duration>) -> Self {
        let clock = Clock::manual();
        let config = StoreConfig { capacity_bytes: CAPACITY, max_entries: None };
        let store = Store::new(config, clock.clone(), Box::new(|| {}));
        let candidates = policies.into_iter().enumerate().map(|(at, source)| Candidate {
            name: format!("{} {at}", source.name()),
            source,
            options: Vec::new(),
        });
        let plan = Plan { candidates: candidates.collect(), capacities: vec![0.5, 1.0] };
        let gets = Arc::new([const { AtomicU64::new(0) }; 2]);
        let counted = Arc::clone(&gets);
        let read = move || counted.each_ref().map(|count| count.load(Ordering::Relaxed));
        let (run, report) = Run::new(plan, &store, clock.clone(), Box::new(read), keep);
        Self { store, clock, gets, run, report }
    }

    /// A get that loads what is missing.
    fn get(&self, key: &str) {
        let (store, hash) = (&self.store, self.store.hash(key));
        self.gets[1].fetch_add(1, Ordering::Relaxed);
        if store.get(key, hash).is_some() {
            self.gets[0].fetch_add(1, Ordering::Relaxed);
            return;
        }
        store.missed(key, hash);
        let room = loop {
            match store.reserve(key.len(), 3) {
                Ok(room) => break room,
                Err(_) => store.evict_by_recency(1),
            };
        };
        let value = Some(Bytes::from_static(b"630"));
        store.commit(room, key, hash, NewEntry { value, deadline_ms: None, cost_us: 5 });
    }

    /// Asks for keys of uneven popularity, and lets the shadow follow.
    fn ask(&mut self, gets: u64) {
        for at in 0..gets {
            let random = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            self.get(&format!("key-{:03}", random % (random % 300 + 1)));
            self.clock.advance(1);
            if at % 100 == 99 {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        while self.run.turn() == Next::Again {}
    }

    fn report(&self) -> Report {
        self.report.lock().clone()
    }
}

#[test]
fn a_shadow_begins_with_a_known_mean_size_and_speaks_when_it_knows_enough() {
    let mut bench = Bench::new(vec![lru()], None);
    bench.settle();
    assert_eq!((bench.report().share, bench.report().rows), (0.0, Vec::new()));
    bench.ask(400);
    let early = bench.report();
    // The group is so small that the sample is all keys.
    assert_eq!((early.share, early.rows.len()), (1.0, 2));
    assert!(early.gets < early.wanted_gets && early.rows[1].measured.is_none(), "{early:?}");

    bench.ask(20_000);
    let report = bench.report();
    assert_eq!((report.lost, report.waiting, report.ends_in), (0, 0, None));
    let [half, whole] = [0, 1].map(|row: usize| report.rows[row].measured.unwrap());
    assert_eq!([half.error, whole.error], [0.0; 2]);
    let live = report.live_hit_ratio.unwrap();
    // The store evicts by coarse recency, which is about what LRU does.
    assert!((whole.hit_ratio - live).abs() < 0.03, "{live} {whole:?}");
    assert!(half.hit_ratio < whole.hit_ratio - 0.05, "{half:?} {whole:?}");
    // A get takes a millisecond here.
    let saved = (half.hit_ratio - live) * 1_000.0;
    assert!((half.loads_saved_per_second - saved).abs() < 2.0, "{saved} {half:?}");
}

#[test]
fn a_candidate_that_fails_is_told_in_its_row_and_the_others_go_on() {
    let failing: SharedPolicySource = Arc::new(Makes(|| Box::new(Failing)));
    let mut bench = Bench::new(vec![failing, lru()], None);
    bench.ask(20_000);
    let rows = bench.report().rows;
    let problems: Vec<_> = rows.iter().map(|row| row.problem.as_deref()).collect();
    assert_eq!(problems, [Some("trapped: on purpose"), Some("trapped: on purpose"), None, None]);
    let measured: Vec<bool> = rows.iter().map(|row| row.measured.is_some()).collect();
    assert_eq!(measured, [false, false, true, true]);
}

#[test]
fn a_shadow_begins_anew_when_its_group_has_another_capacity() {
    let mut bench = Bench::new(vec![lru()], None);
    bench.ask(20_000);
    let whole = bench.report().rows[1].clone();
    assert!(whole.measured.is_some());
    bench.store.resize(&StoreConfig { capacity_bytes: CAPACITY * 2, max_entries: None });
    bench.settle();
    let report = bench.report();
    let anew = &report.rows[1];
    assert_eq!((report.gets, anew.capacity_bytes), (0, CAPACITY * 2));
    assert!(anew.measured.is_none(), "{anew:?}");
    bench.ask(40_000);
    let larger = bench.report().rows[1].measured.unwrap();
    assert!(larger.hit_ratio > whole.measured.unwrap().hit_ratio + 0.01, "{larger:?} {whole:?}");
}

#[test]
fn a_recount_is_of_what_comes_after_it() {
    let mut bench = Bench::new(vec![lru()], None);
    // The caches are not warm yet, so there is nothing to count anew.
    bench.ask(400);
    bench.run.recount();
    assert_eq!(bench.report().requests, 0);
    bench.ask(20_000);
    assert!(bench.report().rows[1].measured.unwrap().hit_ratio < 0.99);
    bench.get("key-000");
    bench.settle();
    bench.run.recount();
    bench.settle();
    assert_eq!((bench.report().requests, bench.report().rows[1].measured), (0, None));
    for _ in 0..200 {
        bench.get("key-000");
    }
    bench.settle();
    let report = bench.report();
    assert_eq!((report.requests, report.rows[1].measured.unwrap().hit_ratio), (200, 1.0));
}

#[test]
fn a_shadow_ends_after_its_time_and_with_its_store() {
    let mut bench = Bench::new(vec![lru()], Some(Duration::from_secs(3_600)));
    bench.ask(100);
    assert_eq!(bench.report().ends_in, Some(Duration::from_millis(3_600_000 - 100)));
    bench.clock.advance(3_600_000 - 101);
    assert_eq!(bench.run.turn(), Next::Pause);
    bench.clock.advance(1);
    assert_eq!(bench.run.turn(), Next::Stop);

    let Bench { store, mut run, .. } = Bench::new(vec![lru()], None);
    assert_eq!(run.turn(), Next::Pause);
    drop(store);
    assert_eq!(run.turn(), Next::Stop);
}
