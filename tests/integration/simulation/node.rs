//! One process: a real group and cluster, and the tasks that keep them going.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use psycache::cluster::Cluster;
use psycache::group::{self, Group};
use psycache::membership::rendezvous::{Ring, RingNode};
use psycache::policy::{
    Batch, Bell, Failure, Keys, Lane, LaneConfig, Policy, PolicyConfig, PolicySource,
};
use psycache::retriever::SharedRetriever;
use psycache::store::{self, Store};
use tokio::task::{JoinHandle, JoinSet};

use super::network::Wire;
use super::source::Source;
use super::world::{Flaw, World};

pub(super) struct Node {
    pub(super) cluster: Arc<Cluster>,
    pub(super) group: Arc<Group>,
    /// Everything that runs in this process, and ends with it.
    running: Mutex<Option<JoinSet<()>>>,
    /// Whether what is left of it may say nothing any more.
    crashed: Arc<AtomicBool>,
    /// Places that have answered its greetings.
    pub(super) heard: Mutex<BTreeSet<usize>>,
}

impl Node {
    /// A process at `place` that holds nothing and knows nobody.
    pub(super) fn start(world: &Arc<World>, place: usize) -> Arc<Self> {
        let (from, others) = (place, Arc::clone(world));
        let crashed = Arc::new(AtomicBool::new(false));
        let gone = Arc::clone(&crashed);
        let dial = move |address: &str| {
            let to = World::place(address);
            let world = Arc::clone(&others);
            let crashed = Arc::clone(&gone);
            Arc::new(Wire { world, from, to, address: address.to_owned(), crashed }) as _
        };
        let cluster = Cluster::new(&World::address(place), world.clock.clone(), dial);
        let cluster = Arc::new(cluster.with_rings(ring));
        let group = group(world, Arc::clone(&cluster));
        if world.flaw != Flaw::NothingIsDropped {
            let (group, world) = (Arc::downgrade(&group), Arc::downgrade(world));
            cluster.standing().on_fall(move || {
                let (Some(group), Some(world)) = (group.upgrade(), world.upgrade()) else {
                    return 0;
                };
                world.note_fall(place);
                group.forget_here()
            });
        }
        let running = Mutex::new(Some(JoinSet::new()));
        let node = Arc::new(Self { cluster, group, running, crashed, heard: Mutex::default() });
        let cluster = Arc::clone(&node.cluster);
        node.run(async move { cluster.keep_in_touch().await });
        let cluster = Arc::clone(&node.cluster);
        if world.flaw != Flaw::DebtsAreNotPaid {
            node.run(async move { cluster.pay_debts().await });
        }
        node
    }

    /// Runs `work` in this process. In one that has crashed it is dropped.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let (done, end) = tokio::sync::oneshot::channel();
        if let Some(running) = &mut *self.running.lock() {
            // What has ended need not be kept.
            while running.try_join_next().is_some() {}
            running.spawn(async move { drop(done.send(work.await)) });
        }
        tokio::spawn(async move {
            match end.await {
                Ok(value) => value,
                Err(_) => std::future::pending().await,
            }
        })
    }

    /// Ends at once, with all that was under way.
    pub(super) fn crash(&self) {
        self.crashed.store(true, Ordering::Relaxed);
        self.running.lock().take();
    }
}

thread_local! {
    /// There are few nodes, so few rings, and a run changes them a hundred times.
    static RINGS: RefCell<HashMap<Vec<RingNode>, Ring>> = RefCell::default();
}

fn ring(from: &Ring, nodes: Vec<RingNode>) -> Ring {
    let known = |rings: &RefCell<HashMap<_, _>>| {
        rings
            .borrow_mut()
            .entry(nodes)
            .or_insert_with_key(|nodes| from.changed(nodes.clone()))
            .clone()
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

fn group(world: &Arc<World>, cluster: Arc<Cluster>) -> Arc<Group> {
    let clock = world.clock.clone();
    let bell = Bell::new();
    let wake = bell.clone();
    let config = store::Config { capacity_bytes: world.capacity, max_entries: None };
    let store = Store::new(config, clock.clone(), Box::new(move || wake.ring()));
    let policy = PolicyConfig {
        capacity: world.capacity,
        max_entries: store.slot_bound(),
        max_victims: 64,
        seed: 1,
        options: Vec::new(),
    };
    let lane = LaneConfig::new(policy, clock.clone());
    let lane = Lane::start("scores", Arc::new(Undecided), lane, store.clone(), bell);
    let lane = Arc::new(lane.expect("the policy is fine"));
    // A thread of its own would not follow from the seed. Without it room is made
    // by whoever needs it.
    lane.shutdown();
    let source = Arc::new(Source(Arc::clone(world))) as SharedRetriever;
    let parts = group::Parts { store, clock, lane, source: Some(source).into(), cluster };
    Group::new(group::Config::named("scores"), parts).expect("the configuration is fine")
}
