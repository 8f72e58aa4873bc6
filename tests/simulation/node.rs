//! One node: a real group, the real right to hold keys, and the real registration.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::network::Wire;
use super::process::Process;
use super::profile::Finding;
use super::registry::Line;
use super::source::Source;
use super::world::World;
use psycache::group::{self, Group, GroupConfig};
use psycache::membership::registry::{Registry, RegistryError};
use psycache::membership::rendezvous::{Ring, RingNode};
use psycache::membership::view::Entry;
use psycache::ownership::{Ownership, Registration};
use psycache::policy::{
    Batch, Failure, Keys, Policy, PolicyConfig, PolicySource, Waker, Worker, WorkerConfig,
};
use psycache::retriever::SharedRetriever;
use psycache::store::{Store, StoreConfig};

/// How long a node that left serves on, and gives its entries away: as in `node`.
const GRACE: Duration = Duration::from_millis(500);
const HAND_OVER_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Node {
    pub(super) place: usize,
    pub(super) ownership: Arc<Ownership>,
    pub(super) group: Arc<Group>,
    pub(super) process: Process,
    registration: Mutex<Option<Registration>>,
    /// When it was paused last.
    paused_ms: AtomicU64,
}

impl Node {
    /// A process at `place` that holds nothing and knows nobody.
    pub(super) fn start(world: &Arc<World>, place: usize, number: u64) -> Arc<Self> {
        let process = Process::new();
        let own = Entry { address: World::address(place), weight: 1, ..Entry::default() };
        let (from, others) = (place, Arc::clone(world));
        let dial = move |address: &str| {
            let (to, world) = (World::place(address), Arc::clone(&others));
            Arc::new(Wire { world, from, to, address: address.to_owned() }) as _
        };
        let (timing, clock) = (world.profile.timing, world.clock.clone());
        let ownership = Ownership::new(own.clone(), timing, clock, dial);
        let ownership = Arc::new(ownership.with_rings(ring).with_process(number));
        let group = process.within(|| group(world, Arc::clone(&ownership)));
        let (registration, paused_ms) = (Mutex::default(), AtomicU64::new(0));
        let node = Arc::new(Self { place, ownership, group, process, registration, paused_ms });
        match world.profile.finding {
            Finding::List => node.follow_list(world),
            Finding::Registry => node.register(world, own),
        }
        node
    }

    fn follow_list(&self, world: &World) {
        let listed = (0..world.profile.places)
            .map(|place| RingNode { address: World::address(place).into(), weight: 1 });
        self.ownership.follow_list(listed.collect());
        let ownership = Arc::clone(&self.ownership);
        self.process.run(async move { ownership.compare_lists().await });
    }

    /// As `node::membership` does.
    fn register(self: &Arc<Self>, world: &Arc<World>, own: Entry) {
        let (world, node) = (Arc::clone(world), Arc::clone(self));
        let line = Line { world: Arc::clone(&world), place: self.place };
        let registry: Arc<dyn Registry> = Arc::new(line);
        self.process.run(async move {
            let ownership = Arc::clone(&node.ownership);
            match Registration::start(Arc::clone(&ownership), registry, own).await {
                Ok(registration) => *node.registration.lock() = Some(registration),
                Err(refused) => return node.must_not_serve(&world, &refused),
            }
            ownership.keep_certain().await;
        });
    }

    /// The process ends, and is started anew by whoever watches over it.
    fn must_not_serve(self: &Arc<Self>, world: &Arc<World>, refused: &RegistryError) {
        if !matches!(refused, RegistryError::AddressTaken { .. }) {
            return world.wrong(format!("{} is refused: {refused}", self.place));
        }
        world.say(|| format!("{} must not serve: {refused}", self.place));
        let (again, node) = (Arc::clone(world), Arc::clone(self));
        world.outside.run(async move {
            if again.end(&node) {
                again.clock.sleep(Duration::from_secs(1)).await;
                again.start(node.place);
            }
        });
    }

    /// Nothing of it runs until it goes on, while time does.
    pub(super) fn pause(&self, world: &World) {
        self.paused_ms.store(world.clock.now_ms(), Ordering::Relaxed);
        self.process.pause(true);
    }

    pub(super) fn was_paused_since(&self, since_ms: u64) -> bool {
        self.paused_ms.load(Ordering::Relaxed) >= since_ms
    }

    /// Where it stands, for a story.
    pub(super) fn in_words(&self) -> String {
        let ownership = &self.ownership;
        let (state, name, revision) = (ownership.state(), ownership.name(), ownership.revision());
        let others = ownership.others();
        let others: Vec<_> = others.iter().map(|other| World::place(other.address())).collect();
        format!("{} is {state:?} as {name} at {revision}, asks {others:?}", self.place)
    }

    /// What it says is wrong with it.
    pub(super) fn problem(&self) -> String {
        self.ownership.report().problem
    }

    /// As `node::membership` does, up to where the process ends.
    pub(super) async fn leave(self: Arc<Self>, world: Arc<World>) {
        let registration = self.registration.lock().take();
        let Some(registration) = registration else { return world.clock.sleep(GRACE).await };
        // Nothing is held from here on, so that others may.
        let name = self.ownership.name();
        self.ownership.leave();
        registration.leave().await;
        let grace = world.clock.sleep(GRACE);
        let (handed, ()) = futures::join!(self.group.hand_over(name, HAND_OVER_WITHIN), grace);
        world.say(|| format!("{} has handed over {handed:?}", self.place));
        world.count(|outcome| outcome.handed_over += handed.kept);
    }
}

thread_local! {
    /// There are few nodes, so few rings, and a run changes them a hundred times.
    static RINGS: RefCell<HashMap<Vec<RingNode>, Ring>> = RefCell::default();
}

fn ring(nodes: Vec<RingNode>) -> Ring {
    let known = |rings: &RefCell<HashMap<Vec<RingNode>, Ring>>| {
        let mut rings = rings.borrow_mut();
        rings.entry(nodes).or_insert_with_key(|nodes| Ring::new(nodes.clone())).clone()
    };
    RINGS.with(known)
}

/// A policy that never chooses: room is made by recency, at once.
struct Undecided;

impl PolicySource for Undecided {
    fn name(&self) -> &str {
        "undecided"
    }

    fn instantiate(&self, _: &PolicyConfig, _: Arc<dyn Keys>) -> Result<Box<dyn Policy>, Failure> {
        Ok(Box::new(Self))
    }
}

impl Policy for Undecided {
    fn step(&mut self, _: &Batch, _: u64, _: u64, _: &mut Vec<u32>) -> Result<(), Failure> {
        Ok(())
    }
}

fn group(world: &Arc<World>, ownership: Arc<Ownership>) -> Arc<Group> {
    let clock = world.clock.clone();
    let waker = Waker::new();
    let wake = waker.clone();
    let config = StoreConfig::new(world.profile.capacity, None);
    let store = Store::new(config, clock.clone(), Box::new(move || wake.wake()));
    let policy = PolicyConfig::new(world.profile.capacity, store.slot_bound());
    let worker = WorkerConfig::new(policy, clock.clone());
    let worker = Worker::start("scores", Arc::new(Undecided), worker, store.clone(), waker);
    let worker = Arc::new(worker.expect("the policy is fine"));
    // A thread of its own would not follow from the seed. Without it room is made
    // by whoever needs it.
    worker.shutdown();
    let source = Arc::new(Source(Arc::clone(world))) as SharedRetriever;
    let parts = group::Parts { store, clock, worker, source: Some(source).into(), ownership };
    let mut config = GroupConfig::named("scores");
    config.uncertain = world.profile.uncertain;
    Group::new(config, parts).expect("the configuration is fine")
}
