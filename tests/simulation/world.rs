//! All that is there in one run, and the course of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::history::History;
use super::holders::Holders;
use super::links::Links;
use super::node::Node;
use super::outcome::RunOutcome;
use super::process::Process;
use super::profile::Profile;
use super::registry::Register;
use super::source::Found;
use super::{clients, faults, registry};
use psycache::clock::Clock;
use psycache::flaw::{self, Flaw};
use psycache::transport::remote::{PeerCall, Request};

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) profile: Profile,
    pub(super) keys: [String; 3],
    /// Where everything runs that is in no node: clients, messages, the registry.
    pub(super) outside: Process,
    pub(super) register: Register,
    pub(super) links: Links,
    pub(super) history: Mutex<History>,
    tells: bool,
    is_mended: AtomicBool,
    /// Until when nothing keeps a node from hearing that the registry has lost everything.
    hears_until_ms: AtomicU64,
    random: Mutex<StdRng>,
    nodes: Mutex<Vec<Option<Arc<Node>>>>,
    /// Nodes that have ended, until nothing of them is left.
    ended: Mutex<Vec<Arc<Node>>>,
    holders: Mutex<Holders>,
    /// What nodes have lent to a client, by key, each until when.
    borrowed: Mutex<BTreeMap<String, (Found, u64)>>,
    outcome: Mutex<RunOutcome>,
}

impl World {
    fn new(seed: u64, tells: bool) -> Arc<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let profile = Profile::new(&mut random, seed);
        let clock = Clock::manual();
        Arc::new(Self {
            // Which node owns which of them differs from run to run.
            keys: std::array::from_fn(|at| format!("{at}-{}", random.random_range(0..50))),
            outside: Process::new(),
            register: Register::new(),
            links: Links::default(),
            history: Mutex::default(),
            tells,
            is_mended: AtomicBool::new(false),
            hears_until_ms: AtomicU64::new(0),
            nodes: Mutex::new(vec![None; profile.places]),
            ended: Mutex::default(),
            holders: Mutex::default(),
            borrowed: Mutex::default(),
            outcome: Mutex::new(RunOutcome { seed, ..RunOutcome::default() }),
            random: Mutex::new(random),
            clock,
            profile,
        })
    }

    pub(super) fn address(place: usize) -> String {
        format!("node-{place}:7400")
    }

    pub(super) fn place(address: &str) -> usize {
        let number = address.strip_prefix("node-").and_then(|rest| rest.strip_suffix(":7400"));
        number.and_then(|number| number.parse().ok()).expect("an address of ours")
    }

    // ---- Nodes ----

    pub(super) fn alive(&self, place: usize) -> Option<Arc<Node>> {
        self.nodes.lock()[place].clone()
    }

    pub(super) fn all_alive(&self) -> Vec<Arc<Node>> {
        self.nodes.lock().iter().flatten().cloned().collect()
    }

    /// One of those that live.
    pub(super) fn somewhere(&self) -> Option<Arc<Node>> {
        let alive = self.all_alive();
        let at = self.below(alive.len().max(1) as u64) as usize;
        alive.get(at).cloned()
    }

    /// Starts a process at `place`, if there is none.
    pub(super) fn start(self: &Arc<Self>, place: usize) {
        if self.alive(place).is_none() {
            let process = self.random.lock().random();
            self.say(|| format!("{place} starts as {process:x}"));
            let node = Node::start(self, place, process);
            self.nodes.lock()[place] = Some(node);
        }
    }

    /// Ends `node` at once. Answers whether it was alive.
    pub(super) fn end(&self, node: &Arc<Node>) -> bool {
        let there = &mut self.nodes.lock()[node.place];
        if !there.as_ref().is_some_and(|there| Arc::ptr_eq(there, node)) {
            return false;
        }
        *there = None;
        node.process.end();
        self.ended.lock().push(Arc::clone(node));
        true
    }

    // ---- A client ----

    /// What the client may still answer for `key` by itself.
    pub(super) fn copy_of(&self, key: &str) -> Option<Found> {
        let borrowed = self.borrowed.lock();
        borrowed.get(key).filter(|(_, until_ms)| *until_ms > self.clock.now_ms()).map(|(f, _)| *f)
    }

    /// The client keeps a value until `until_ms`, if that is not over.
    pub(super) fn borrow(&self, key: &str, found: Found, until_ms: u64) {
        if until_ms > self.clock.now_ms() {
            self.borrowed.lock().insert(key.to_owned(), (found, until_ms));
        }
    }

    pub(super) fn hear_of_loss(&self) {
        let until_ms = self.clock.now_ms() + self.profile.timing.lease.as_millis() as u64;
        self.hears_until_ms.store(until_ms, Ordering::Relaxed);
    }

    pub(super) fn hears_of_loss(&self) -> bool {
        self.clock.now_ms() < self.hears_until_ms.load(Ordering::Relaxed)
    }

    // ---- Chance ----

    /// A number below `end`.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.random.lock().random_range(0..end)
    }

    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn ms(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least + 1))
    }

    /// Where a node rejoins, some changes arrive when their key has had another owner.
    pub(super) fn lags(&self) -> bool {
        self.profile.rejoins && !self.is_mended.load(Ordering::Relaxed) && self.chance(35)
    }

    /// Now and then a message is slow or lost by itself.
    pub(super) fn goes_astray(&self) -> bool {
        !self.profile.is_mild && !self.is_mended.load(Ordering::Relaxed) && self.chance(1)
    }

    pub(super) fn source_delay(&self) -> Duration {
        match self.below(100) {
            // So long that a node comes and goes meanwhile.
            0..2 => self.ms(1_000, 2_400),
            // Longer than some callers wait.
            2..12 => self.ms(100, 1_500),
            _ => self.ms(0, 30),
        }
    }

    pub(super) fn link_delay(&self, from: usize, to: usize) -> Duration {
        let strays = self.goes_astray();
        match strays || self.links.is_slow(from, to) {
            // The longest are older than the connection that they came by.
            true if self.chance(15) => self.ms(1_000, 8_000),
            true => self.ms(1, 1_500),
            false => self.ms(0, self.profile.quick_ms),
        }
    }

    // ---- What is told ----

    pub(super) fn count(&self, count: impl FnOnce(&mut RunOutcome)) {
        count(&mut self.outcome.lock());
    }

    /// A get that a client makes through a node.
    pub(super) fn note_get(&self, place: usize, key: &str) {
        self.count(|outcome| {
            outcome.gets += 1;
            outcome.forwarded.entry((place, key.into())).or_default().0 += 1;
        });
    }

    /// A request that a node sends.
    pub(super) fn note_asked(&self, from: usize, request: &Request) {
        if request.call == PeerCall::Get {
            self.count(|outcome| {
                outcome.forwarded.entry((from, request.key.to_vec())).or_default().1 += 1;
            });
        }
    }

    pub(super) fn say(&self, what: impl FnOnce() -> String) {
        if self.tells {
            let line = format!("{:>6} ms: {}", self.clock.now_ms(), what());
            self.outcome.lock().story.push(line);
        }
    }

    pub(super) fn wrong(&self, what: String) {
        self.say(|| format!("WRONG: {what}"));
        self.outcome.lock().wrong.push(what);
    }

    // ---- What must be so ----

    /// What holds at every moment.
    fn check(&self) {
        let alive = self.all_alive();
        for node in &alive {
            let bytes = node.group.parts().store.stats().bytes;
            if bytes > self.profile.capacity {
                let (place, most) = (node.place, self.profile.capacity);
                self.wrong(format!("node {place} holds {bytes} of {most} bytes"));
            }
        }
        self.holders.lock().check(self, &alive);
    }

    /// What must hold of the run as a whole.
    fn check_hops(&self) {
        let outcome = self.outcome.lock();
        let too_many = outcome.forwarded.iter().find(|(_, (gets, sent))| sent > gets);
        let wrong = too_many.map(|((place, key), (gets, sent))| {
            let key = String::from_utf8_lossy(key);
            format!("node {place} sent {sent} gets of {key} for {gets} that clients made there")
        });
        drop(outcome);
        wrong.into_iter().for_each(|wrong| self.wrong(wrong));
    }

    // ---- The course of it ----

    /// Runs all until everything waits for time to pass.
    fn settle(&self) {
        loop {
            let mut went_on = self.outside.settle();
            for place in 0..self.profile.places {
                went_on |= self.alive(place).is_some_and(|node| node.process.settle());
            }
            let ended = std::mem::take(&mut *self.ended.lock());
            for node in ended {
                // Who waits for an answer of it hears that it has gone.
                node.process.bury();
                went_on = true;
            }
            if !went_on {
                return;
            }
        }
    }

    /// Moves time to the next moment at which something is due. Answers whether there is
    /// one.
    fn go_on(&self) -> bool {
        let now_ms = self.clock.now_ms();
        let Some(due_ms) = self.clock.next_due_ms().filter(|_| now_ms < END_MS) else {
            self.wrong("something waits for ever".into());
            return false;
        };
        let ms = due_ms.saturating_sub(now_ms);
        self.clock.advance(ms);
        self.register.advance(ms);
        true
    }
}

/// Longer than any run lasts.
const END_MS: u64 = 300_000;

/// Runs what follows from `seed` to its end, or to the first thing that is wrong.
pub(super) fn run(seed: u64, flaw: Option<Flaw>, tells: bool) -> RunOutcome {
    flaw::set(flaw, seed);
    let world = World::new(seed, tells);
    world.say(|| format!("{:?}, keys {:?}", world.profile, world.keys));
    (0..world.profile.places).for_each(|place| world.start(place));
    let lives = Arc::clone(&world);
    let mut life = world.outside.run(async move { life(lives).await });
    let expiring = Arc::clone(&world);
    let _expiring = world.outside.run(async move { registry::expire(&expiring).await });
    loop {
        world.settle();
        world.check();
        if life.is_over() || !world.outcome.lock().wrong.is_empty() || !world.go_on() {
            break;
        }
    }
    if life.now().is_none() && world.outcome.lock().wrong.is_empty() {
        world.wrong("the run has panicked".into());
    }
    world.check_hops();
    // Nodes know the world, and the world its nodes.
    for node in world.all_alive() {
        world.end(&node);
        node.process.bury();
    }
    world.ended.lock().clear();
    world.outside.bury();
    flaw::set(None, 0);
    std::mem::take(&mut *world.outcome.lock())
}

async fn life(world: Arc<World>) {
    let faulty = Arc::clone(&world);
    let mut faults = world.outside.run(async move { faults::happen(faulty).await });
    clients::come_and_go(&world).await;
    // Faults end by themselves, and mend what they broke.
    if faults.end().await.is_none() {
        world.wrong("a fault went wrong".into());
    }
    world.is_mended.store(true, Ordering::Relaxed);
    faults::mend(&world);
    clients::look_at_the_end(&world).await;
}
