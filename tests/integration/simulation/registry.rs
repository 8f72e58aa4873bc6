//! The register of nodes: entries under leases, and news of them that come late or
//! not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use psycache::cluster::PROMISE;
use psycache::membership::registry::{Member, Membership};

use super::node::Node;
use super::world::{Finding, World};

const LEASE: Duration = Duration::from_secs(5);
const RENEW_EVERY_MS: u64 = 1_700;

/// All that the registry knows.
#[derive(Default)]
pub(super) struct Register(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Until when each place is registered, and by which process.
    entries: BTreeMap<usize, (u64, usize)>,
    /// Grows with each change.
    revision: u64,
    /// Grows when everything was lost.
    life: u64,
    down: bool,
    /// Places that can't reach it.
    out_of_reach: Vec<usize>,
}

impl Register {
    pub(super) fn set_down(&self, down: bool) {
        self.0.lock().down = down;
    }

    pub(super) fn lose_everything(&self) {
        let mut known = self.0.lock();
        known.entries.clear();
        known.life += 1;
        known.revision += 1;
    }

    pub(super) fn set_out_of_reach(&self, place: usize, out_of_reach: bool) {
        let mut known = self.0.lock();
        known.out_of_reach.retain(|other| *other != place);
        if out_of_reach {
            known.out_of_reach.push(place);
        }
    }

    pub(super) fn answers(&self, place: usize) -> bool {
        let known = self.0.lock();
        !known.down && !known.out_of_reach.contains(&place)
    }

    /// Puts an entry where there is none, or renews one that is there.
    fn renew(&self, place: usize, process: usize, until_ms: u64, anew: bool) -> bool {
        let mut known = self.0.lock();
        if known.entries.contains_key(&place) == anew {
            return false;
        }
        known.entries.insert(place, (until_ms, process));
        known.revision += u64::from(anew);
        true
    }

    /// Whether it stands in the register as this process.
    pub(super) fn has(&self, place: usize, node: &Arc<Node>) -> bool {
        self.0.lock().entries.get(&place).is_some_and(|(_, holder)| *holder == process(node))
    }

    pub(super) fn remove(&self, place: usize) {
        let mut known = self.0.lock();
        known.entries.remove(&place);
        known.revision += 1;
    }
}

/// Which process, for telling the entry of one from that of the one before.
fn process(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// Has a process take part in the way of this run.
pub(super) fn join(world: &Arc<World>, place: usize, node: &Arc<Node>) {
    if world.finding == Finding::Register {
        let session = session(Arc::clone(world), place, Arc::clone(node));
        node.run(session);
        return;
    }
    let everybody = 0..world.places();
    let list: Vec<usize> = everybody.filter(|other| is_listed(world, place, *other)).collect();
    node.cluster.apply(membership(&list, true, 0));
}

/// Whether `other` is in the list of the node at `place`, where there are lists.
/// Always the same for one place, as if it were written in its file. Of two nodes one
/// knows the other: whom nobody knows nobody can tell.
pub(super) fn is_listed(world: &World, place: usize, other: usize) -> bool {
    let lists_differ = world.finding == Finding::DifferentLists;
    !lists_differ || other == place || (place + other) % 3 != 1 || place < other
}

fn membership(places: &[usize], connected: bool, registrations: u64) -> Arc<Membership> {
    let nodes = places.iter().map(|place| Member {
        address: World::address(*place),
        weight: 1,
        version: String::new(),
        started: String::new(),
    });
    let problem = if connected { String::new() } else { "out of reach".to_owned() };
    Arc::new(Membership { nodes: nodes.collect(), connected, problem, registrations })
}

/// One process's time with the registry, for as long as it lives.
async fn session(world: Arc<World>, place: usize, node: Arc<Node>) {
    let (cluster, standing) = (Arc::clone(&node.cluster), Arc::clone(node.cluster.standing()));
    let (mut registrations, mut list, mut seen, mut renewed_ms) = (0, vec![place], 0, 0);
    // Nobody was seen to leave a registry that comes back empty.
    let (mut life, mut missing) = (0, BTreeMap::new());
    let mut not_before_ms = 0;
    loop {
        world.clock.sleep(world.ms(20, 150)).await;
        if !world.register.answers(place) {
            if seen != u64::MAX {
                cluster.apply(membership(&list, false, registrations));
                seen = u64::MAX;
            }
            continue;
        }
        let sent_ms = world.clock.now_ms();
        let holder = world.register.0.lock().entries.get(&place).map(|(_, holder)| *holder);
        if holder.is_some_and(|holder| holder != process(&node)) {
            // The process before this one: its lease must run out first, and what it
            // has promised to others.
            if not_before_ms == 0 {
                not_before_ms = sent_ms + PROMISE.as_millis() as u64;
            }
            continue;
        }
        if sent_ms < not_before_ms {
            continue;
        }
        let registers = holder.is_none();
        if registers {
            registrations = standing.registers();
        }
        if registers || sent_ms > renewed_ms + RENEW_EVERY_MS {
            world.clock.sleep(world.ms(0, 20)).await;
            let until_ms = world.clock.now_ms() + LEASE.as_millis() as u64;
            if !world.register.renew(place, process(&node), until_ms, registers) {
                continue;
            }
            world.clock.sleep(world.ms(0, 20)).await;
            standing.registered_until(sent_ms + LEASE.as_millis() as u64);
            renewed_ms = sent_ms;
        }
        let known = {
            let known = world.register.0.lock();
            (known.life, known.revision, known.entries.clone())
        };
        let now_ms = world.clock.now_ms();
        let (its_life, revision, entries) = known;
        if its_life != life {
            let until_ms = now_ms + LEASE.as_millis() as u64;
            missing.extend(list.iter().map(|place| (*place, until_ms)));
            life = its_life;
        }
        let waited_for = missing.len();
        missing.retain(|_, until_ms| *until_ms > now_ms);
        if revision != seen || waited_for > missing.len() {
            // It is old news when it arrives.
            world.clock.sleep(world.ms(0, 100)).await;
            seen = revision;
            if entries.contains_key(&place) {
                let all: BTreeSet<usize> = entries.keys().chain(missing.keys()).copied().collect();
                list = all.into_iter().collect();
                world.say(|| format!("node {place} sees {list:?}"));
                cluster.apply(membership(&list, true, registrations));
            }
        }
    }
}

/// Ends what was not renewed.
pub(super) async fn expire(world: Arc<World>) {
    loop {
        world.clock.sleep(Duration::from_millis(200)).await;
        let now_ms = world.clock.now_ms();
        let mut known = world.register.0.lock();
        let before = known.entries.len();
        known.entries.retain(|_, (until_ms, _)| *until_ms > now_ms);
        known.revision += u64::from(known.entries.len() != before);
    }
}
