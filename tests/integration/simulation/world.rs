//! All that is there in one run, what may go wrong in it, and what must not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use psycache::clock::Clock;
use psycache::transport::remote::{Call, Request};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::clients::Promised;
use super::idle::Idle;
use super::node::Node;
use super::registry::Register;
use super::{clients, faults, registry, source};

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// A remove reaches nobody but the node that it is made on.
    OthersAreNotAsked,
    /// A remove drops what is held and lets loads from before go on.
    FlightsAreNotDetached,
    /// A set that is late is taken.
    LateSetsAreTaken,
    /// A node that nobody tells of changes keeps what it holds.
    NothingIsDropped,
    /// Nodes that ask to be told are not.
    GreetersAreNotTold,
    /// Nodes do not say whom else they know.
    NobodyNamesOthers,
    /// What a node missed it never gets.
    DebtsAreNotPaid,
    /// What a node missed is known only to the one that made the change.
    DebtsAreKeptByOne,
}

impl Flaw {
    pub(super) const ALL: [Self; 8] = [
        Self::OthersAreNotAsked,
        Self::FlightsAreNotDetached,
        Self::LateSetsAreTaken,
        Self::NothingIsDropped,
        Self::GreetersAreNotTold,
        Self::NobodyNamesOthers,
        Self::DebtsAreNotPaid,
        Self::DebtsAreKeptByOne,
    ];
}

/// How nodes find each other in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// By a registry.
    Register,
    /// By a list that is the same everywhere.
    List,
    /// By lists that differ on purpose.
    DifferentLists,
}

/// What was counted in a run, and what went wrong.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) gets: u64,
    pub(super) oks: u64,
    pub(super) not_confirmed: u64,
    pub(super) given_up: u64,
    pub(super) crashes: u64,
    pub(super) cuts: u64,
    pub(super) falls: u64,
    pub(super) wrong: Vec<String>,
    /// Told only where it is asked for.
    pub(super) story: Vec<String>,
    /// Gets of clients through a node, and gets that it sent on, by node and key.
    forwarded: BTreeMap<(usize, Vec<u8>), (u64, u64)>,
}

impl Outcome {
    pub(super) fn add(&mut self, other: &Self) {
        self.gets += other.gets;
        self.oks += other.oks;
        self.not_confirmed += other.not_confirmed;
        self.given_up += other.given_up;
        self.crashes += other.crashes;
        self.cuts += other.cuts;
        self.falls += other.falls;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gets, oks, not_confirmed, given_up, crashes, cuts, falls, .. } = self;
        write!(
            f,
            "{gets} gets, {oks} changes confirmed, {not_confirmed} not confirmed, {given_up} given \
             up, {crashes} crashes, {cuts} cuts, {falls} times all dropped"
        )
    }
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) flaw: Flaw,
    pub(super) finding: Finding,
    pub(super) capacity: u64,
    /// Milliseconds that a message takes at most, where the link is not slow.
    quick_ms: u64,
    tells: bool,
    random: Mutex<StdRng>,
    pub(super) register: Register,
    nodes: Mutex<Vec<Option<Arc<Node>>>>,
    /// Pairs of places, the smaller first.
    cut: Mutex<Vec<(usize, usize)>>,
    slow: Mutex<Vec<(usize, usize)>>,
    versions: Mutex<BTreeMap<String, u64>>,
    pub(super) promised: Mutex<Promised>,
    outcome: Mutex<Outcome>,
}

pub(super) const KEYS: [&str; 3] = ["Tom", "Jack", "Sam"];

impl World {
    fn new(seed: u64, flaw: Flaw, tells: bool) -> Arc<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let finding = match random.random_range(0..10) {
            0..6 => Finding::Register,
            6..8 => Finding::List,
            _ => Finding::DifferentLists,
        };
        let places = random.random_range(2..=4);
        Arc::new(Self {
            clock: Clock::manual(),
            flaw,
            finding,
            // Room for one entry or two, or for all.
            capacity: if random.random_bool(0.2) { 160 } else { 1 << 20 },
            quick_ms: random.random_range(1..=20),
            tells,
            random: Mutex::new(random),
            register: Register::default(),
            nodes: Mutex::new(vec![None; places]),
            cut: Mutex::default(),
            slow: Mutex::default(),
            versions: Mutex::default(),
            promised: Mutex::default(),
            outcome: Mutex::new(Outcome { seed, ..Outcome::default() }),
        })
    }

    pub(super) fn address(place: usize) -> String {
        format!("node-{place}:7400")
    }

    pub(super) fn place(address: &str) -> usize {
        let number = address.strip_prefix("node-").and_then(|rest| rest.strip_suffix(":7400"));
        number.and_then(|number| number.parse().ok()).expect("an address of ours")
    }

    pub(super) fn places(&self) -> usize {
        self.nodes.lock().len()
    }

    pub(super) fn alive(&self, place: usize) -> Option<Arc<Node>> {
        self.nodes.lock()[place].clone()
    }

    pub(super) fn all_alive(&self) -> Vec<(usize, Arc<Node>)> {
        let nodes = self.nodes.lock();
        let alive = nodes.iter().enumerate();
        alive.filter_map(|(place, node)| Some((place, node.clone()?))).collect()
    }

    pub(super) fn put(&self, place: usize, node: Option<Arc<Node>>) {
        self.nodes.lock()[place] = node;
    }

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

    pub(super) fn source_delay(&self) -> Duration {
        // Now and then it takes longer than callers wait.
        if self.chance(10) { self.ms(100, source::LONGEST_MS) } else { self.ms(0, 30) }
    }

    pub(super) fn link_delay(&self, from: usize, to: usize) -> Duration {
        let slow = self.slow.lock().contains(&pair(from, to));
        if slow || self.chance(1) { self.ms(1, 1_500) } else { self.ms(0, self.quick_ms) }
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.lock().contains(&pair(from, to))
    }

    pub(super) fn set_cut(&self, one: usize, other: usize, cut: bool) {
        set(&mut self.cut.lock(), pair(one, other), cut);
        self.outcome.lock().cuts += u64::from(cut);
    }

    pub(super) fn set_slow(&self, one: usize, other: usize, slow: bool) {
        set(&mut self.slow.lock(), pair(one, other), slow);
    }

    /// All links are as they should be.
    pub(super) fn heal(&self) {
        self.cut.lock().clear();
        self.slow.lock().clear();
    }

    pub(super) fn version(&self, key: &str) -> u64 {
        self.versions.lock().get(key).copied().unwrap_or(0)
    }

    pub(super) fn next_version(&self, key: &str) -> u64 {
        let mut versions = self.versions.lock();
        let version = versions.entry(key.to_owned()).or_default();
        *version += 1;
        *version
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Outcome)) {
        count(&mut self.outcome.lock());
    }

    pub(super) fn note_fall(&self, place: usize) {
        self.count(|outcome| outcome.falls += 1);
        self.say(|| format!("node {place} drops all"));
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
        if request.call == Call::Get {
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

    /// What holds at every moment.
    fn check(&self) {
        for (place, node) in self.all_alive() {
            let bytes = node.group.parts().store.stats().bytes;
            if bytes > self.capacity {
                self.wrong(format!("node {place} holds {bytes} of {} bytes", self.capacity));
            }
        }
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
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

fn set(pairs: &mut Vec<(usize, usize)>, pair: (usize, usize), present: bool) {
    pairs.retain(|known| *known != pair);
    if present {
        pairs.push(pair);
    }
}

/// Longer than any run lasts.
const END_MS: u64 = 300_000;

/// Runs what follows from `seed` to its end, or to the first thing that is wrong.
pub(super) fn run(seed: u64, flaw: Flaw, tells: bool) -> Outcome {
    let idle = Idle::default();
    let runtime = idle.runtime();
    let world = World::new(seed, flaw, tells);
    runtime.block_on(async {
        let finding = world.finding;
        world.say(|| format!("{} nodes by {finding:?}", world.places()));
        for place in 0..world.places() {
            let node = Node::start(&world, place);
            world.put(place, Some(Arc::clone(&node)));
            registry::join(&world, place, &node);
        }
        tokio::spawn(registry::expire(Arc::clone(&world)));
        let life = tokio::spawn(life(Arc::clone(&world)));
        while !life.is_finished() && world.outcome.lock().wrong.is_empty() {
            idle.reached().await;
            world.check();
            let now_ms = world.clock.now_ms();
            let Some(due_ms) = world.clock.next_due_ms().filter(|_| now_ms < END_MS) else {
                world.wrong("something waits for ever".into());
                break;
            };
            world.clock.advance(due_ms.saturating_sub(now_ms));
        }
        world.check_hops();
    });
    drop(runtime);
    // Nodes know the world, and the world its nodes.
    world.nodes.lock().clear();
    std::mem::take(&mut *world.outcome.lock())
}

async fn life(world: Arc<World>) {
    let faults = tokio::spawn(faults::happen(Arc::clone(&world)));
    clients::come_and_go(&world).await;
    // Faults end by themselves, and mend what they broke.
    if faults.await.is_err() {
        world.wrong("a fault went wrong".into());
    }
    world.heal();
    clients::look_at_the_end(&world).await;
}
