//! Clients, and what they may expect.
//!
//! A change is made as an application makes one: first in the source, then through
//! some node. One client at a time changes a key, so its versions have an order, and
//! a client that is not answered in time gives up and lets the next one go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use psycache::error::Error;
use tokio::sync::Mutex;

use super::node::Node;
use super::registry::is_listed;
use super::source;
use super::world::{Finding, KEYS, World};

const CHANGES: u64 = 14;
const GETS: u64 = 60;

/// A get answers in this time, whatever is broken.
const WITHIN: Duration = Duration::from_secs(3);

/// By then a node that is out of reach knows it, and has dropped what it held; and
/// a copy that it keeps for a second is gone as well.
const OUT_OF_REACH_MS: u64 = 10_000;

/// A load that takes its longest, and the second that its value is kept.
const BRIEF_COPY_MS: u64 = source::LONGEST_MS + 1_000;

/// What was told to clients.
#[derive(Default)]
pub(super) struct Promised {
    /// What no reachable node may go below.
    confirmed: BTreeMap<String, Confirmed>,
    /// Versions that every node must have reached in the end, as long as somebody
    /// lives who remembers.
    owed: Vec<Owed>,
}

/// A change that was answered with Ok.
#[derive(Clone)]
struct Confirmed {
    version: u64,
    since_ms: u64,
    /// Where it was made, and who was out of reach for it.
    at: usize,
    out_of_reach: Vec<usize>,
}

struct Owed {
    key: String,
    version: u64,
    remembered_by: BTreeSet<usize>,
}

impl Promised {
    /// What every node must have reached in the end.
    fn least(&self, key: &str) -> u64 {
        let owed = self.owed.iter().filter(|owed| owed.key == key).map(|owed| owed.version);
        let confirmed = self.confirmed.get(key).map(|confirmed| confirmed.version);
        owed.chain(confirmed).max().unwrap_or(0)
    }

    /// Whoever was at `place` remembers nothing any more.
    pub(super) fn lost(&mut self, place: usize) {
        for owed in &mut self.owed {
            owed.remembered_by.remove(&place);
        }
        self.owed.retain(|owed| !owed.remembered_by.is_empty());
    }
}

/// Returns when all have gone.
pub(super) async fn come_and_go(world: &Arc<World>) {
    let locks: Arc<BTreeMap<&str, Mutex<()>>> =
        Arc::new(KEYS.into_iter().map(|key| (key, Mutex::default())).collect());
    let mut clients = Vec::new();
    for _ in 0..CHANGES {
        let (world, locks) = (Arc::clone(world), Arc::clone(&locks));
        clients.push(tokio::spawn(async move {
            world.clock.sleep(world.ms(0, 22_000)).await;
            change(&world, &locks).await;
        }));
    }
    for _ in 0..GETS {
        let world = Arc::clone(world);
        clients.push(tokio::spawn(async move {
            world.clock.sleep(world.ms(0, 25_000)).await;
            let key = KEYS[world.below(3) as usize];
            // A few, so that something is held and asked for again.
            for _ in 0..3 {
                get(&world, key).await;
                world.clock.sleep(world.ms(0, 400)).await;
            }
        }));
    }
    for ended in join_all(clients).await {
        if let Err(panic) = ended {
            world.wrong(format!("a client panicked: {panic}"));
        }
    }
}

fn somewhere(world: &World) -> Option<(usize, Arc<Node>)> {
    let alive = world.all_alive();
    if alive.is_empty() {
        return None;
    }
    Some(alive[world.below(alive.len() as u64) as usize].clone())
}

async fn change(world: &Arc<World>, locks: &BTreeMap<&str, Mutex<()>>) {
    let clears = world.chance(15);
    let keys = if clears { &KEYS[..] } else { &KEYS[world.below(3) as usize..][..1] };
    let mut held = Vec::new();
    for key in keys {
        held.push(locks[key].lock().await);
    }
    let Some((place, node)) = somewhere(world) else { return };
    let versions: Vec<u64> = keys.iter().map(|key| world.next_version(key)).collect();
    let (what, patience) = (world.below(2), world.ms(20, 3_000));
    let group = Arc::clone(&node.group);
    let (key, version) = (keys[0], versions[0]);
    let (verb, made) = if clears {
        ("clear", async move { group.clear().await.map(drop) }.boxed())
    } else if what == 0 {
        ("remove", async move { group.remove(key).await.map(drop) }.boxed())
    } else {
        let value = source::value(version);
        ("set", async move { group.set(key, value, None).await }.boxed())
    };
    world.say(|| format!("{verb} {keys:?} to {versions:?} at {place}, for {patience:?}"));
    let was_known = is_known(world, place, &node);
    let made = world.clock.timeout(patience, made).await;
    let lives = world.alive(place).is_some_and(|alive| Arc::ptr_eq(&alive, &node));
    world.say(|| format!("{verb} {keys:?} to {versions:?}: {made:?}"));
    let now_ms = world.clock.now_ms();
    let silent = match made {
        // Whatever it answered went down with it.
        _ if !lives => return world.count(|outcome| outcome.given_up += 1),
        Ok(Ok(())) => BTreeSet::new(),
        Ok(Err(Error::NotConfirmed { nodes })) => {
            nodes.iter().map(|address| World::place(address)).collect()
        }
        Ok(Err(error)) => return world.wrong(format!("a change fails: {error}")),
        Err(_) => return world.count(|outcome| outcome.given_up += 1),
    };
    world.count(|outcome| match silent.is_empty() {
        true => outcome.oks += 1,
        false => outcome.not_confirmed += 1,
    });
    let told = node.cluster.audience();
    let told = told.iter().map(|remote| World::place(remote.address()));
    let mut remembered_by: BTreeSet<usize> = told.filter(|at| !silent.contains(at)).collect();
    remembered_by.insert(place);
    let mut promised = world.promised.lock();
    for (key, version) in keys.iter().zip(versions) {
        // Of a node off the register those do not know who came since: it speaks for
        // those that it knows.
        if silent.is_empty() && was_known && is_known(world, place, &node) {
            let out_of_reach = (0..world.places()).filter(|other| world.is_cut(place, *other));
            let out_of_reach = out_of_reach.collect();
            let confirmed = Confirmed { version, since_ms: now_ms, at: place, out_of_reach };
            promised.confirmed.insert((*key).to_owned(), confirmed);
        } else {
            let key = (*key).to_owned();
            let remembered_by = remembered_by.clone();
            promised.owed.push(Owed { key, version, remembered_by });
        }
    }
}

/// Whether everybody who comes hears of it.
fn is_known(world: &World, place: usize, node: &Arc<Node>) -> bool {
    world.finding != Finding::Register || world.register.has(place, node) && !is_alone(world, node)
}

/// Whether it serves alone, because it has found nobody in the registry yet.
fn is_alone(world: &World, node: &Node) -> bool {
    world.finding == Finding::Register && node.cluster.others().is_empty()
}

/// Whether a get that begins now at a node is out of reach for a change.
fn is_out_of_reach(world: &World, place: usize, change: &Confirmed) -> bool {
    let still = world.is_cut(place, change.at) || world.alive(change.at).is_none();
    let recent = world.clock.now_ms() < change.since_ms + OUT_OF_REACH_MS;
    recent && still && change.out_of_reach.contains(&place)
}

/// Whether what a node that is cut off answers may have been read before the change:
/// it keeps that for a second, and nobody can tell it.
fn is_brief_copy(world: &World, node: &Node, change: &Confirmed) -> bool {
    let recent = world.clock.now_ms() < change.since_ms + BRIEF_COPY_MS;
    recent && node.cluster.standing().is_cut_off()
}

/// Whether the node that made the change neither lists this one nor has heard of it:
/// then nothing tells either that the other has to be told.
fn are_strangers(world: &World, place: usize, node: &Node, change: &Confirmed) -> bool {
    !is_listed(world, change.at, place) && !node.heard.lock().contains(&change.at)
}

async fn get(world: &Arc<World>, key: &'static str) {
    let Some((place, node)) = somewhere(world) else { return };
    let confirmed = world.promised.lock().confirmed.get(key).cloned();
    let excused = is_alone(world, &node)
        || confirmed.as_ref().is_some_and(|change| {
            is_out_of_reach(world, place, change)
                || is_brief_copy(world, &node, change)
                || are_strangers(world, place, &node, change)
        });
    world.note_get(place, key);
    let began_ms = world.clock.now_ms();
    let getting = node.group.get(key, WITHIN);
    let limit = WITHIN + Duration::from_millis(1);
    let got = match world.clock.timeout(limit, getting).await {
        Ok(got) => got,
        Err(_) => return world.wrong(format!("a get at {place} does not end")),
    };
    // It crashed with its node.
    if world.alive(place).is_none_or(|alive| !Arc::ptr_eq(&alive, &node)) {
        return;
    }
    let answer = match got {
        Ok(answer) => answer,
        Err(Error::DeadlineExceeded { .. }) => return,
        Err(error) => return world.wrong(format!("a get at {place} fails: {error}")),
    };
    let (found, origin) = (source::version(&answer.value), answer.origin);
    world.say(|| format!("get {key} at {place} is {found} ({origin:?}), since {began_ms}"));
    let Some(Confirmed { version, since_ms, at, .. }) = confirmed else { return };
    if found < version && !excused {
        world.wrong(format!(
            "{key} is {found} ({origin:?}) at {place} in a get from {began_ms} ms, though {version} \
             was confirmed at {since_ms} ms by {at}"
        ));
    }
}

/// When all is mended, every node answers, and with what it missed.
pub(super) async fn look_at_the_end(world: &Arc<World>) {
    world.say(|| "all is mended".into());
    world.clock.sleep(Duration::from_secs(15)).await;
    let patience = Duration::from_secs(20);
    for (place, node) in world.all_alive() {
        for key in KEYS {
            let version = world.promised.lock().least(key);
            world.note_get(place, key);
            let got = world.clock.timeout(patience, node.group.get(key, patience)).await;
            match got {
                Ok(Ok(answer)) if source::version(&answer.value) >= version => {}
                Ok(Ok(answer)) => {
                    let found = source::version(&answer.value);
                    let (node, origin) = (place, answer.origin);
                    world.wrong(format!(
                        "in the end {key} is {found} ({origin:?}) at {node}, and not {version}"
                    ));
                }
                failed => world.wrong(format!("in the end {key} at {place}: {failed:?}")),
            }
        }
    }
}
