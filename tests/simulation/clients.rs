//! Clients, and what they may expect.
//!
//! A change is made as an application makes one: first in the source, then through
//! some node. A client that is not answered in time gives up and goes on.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::{Mutex, MutexGuard};

use super::history::Began;
use super::node::Node;
use super::rejoins;
use super::source::Found;
use super::world::World;
use psycache::error::Error;
use psycache::group::Uncertain;
use psycache::ownership::OwnershipState;
use psycache::value::Origin;

const CHANGES: u64 = 20;
const GETS: u64 = 60;
/// Where a key is hot: clients that ask for nothing else, how often, and changes.
const FANS: u64 = 8;
const FAN_GETS: u64 = 60;
const HOT_CHANGES: u64 = 8;

/// A get answers in this time, whatever is broken; some have more.
const WITHIN: Duration = Duration::from_secs(3);

/// In this time a change is confirmed where no more than one thing goes wrong.
const LONG: Duration = Duration::from_secs(10);

/// How old a value may be that a node answers which is not certain.
const BRIEF_COPY_MS: u64 = 1_000;

/// Within this time of the end of all that was wrong all nodes hold their keys.
const MENDED_WITHIN_MS: u64 = 60_000;

/// Returns when all have gone.
pub(super) async fn come_and_go(world: &Arc<World>) {
    let turns: Arc<[Mutex<()>; 3]> = Arc::default();
    let mut clients = Vec::new();
    for _ in 0..CHANGES {
        let (world, turns) = (Arc::clone(world), Arc::clone(&turns));
        clients.push(tokio::spawn(async move {
            world.clock.sleep(world.ms(0, 24_000)).await;
            change(&world, &turns).await;
        }));
    }
    for _ in 0..GETS {
        let world = Arc::clone(world);
        clients.push(tokio::spawn(async move {
            world.clock.sleep(world.ms(0, 26_000)).await;
            let key = world.keys[world.below(3) as usize].clone();
            // A few, so that something is held and asked for again.
            for _ in 0..3 {
                get_somewhere(&world, &key).await;
                world.clock.sleep(world.ms(0, 400)).await;
            }
        }));
    }
    if let Some(from_ms) = world.profile.hot_from_ms {
        clients.extend((0..FANS).map(|_| tokio::spawn(ask_often(Arc::clone(world), from_ms))));
        let (world, turns) = (Arc::clone(world), Arc::clone(&turns));
        clients.push(tokio::spawn(async move {
            world.clock.sleep(Duration::from_millis(from_ms)).await;
            for _ in 0..HOT_CHANGES {
                world.clock.sleep(world.ms(0, 600)).await;
                let verb = if world.chance(50) { Verb::Set } else { Verb::Remove };
                change_by(&world, &turns, verb, &[0]).await;
            }
        }));
    }
    if world.profile.rejoins {
        clients.extend((0..rejoins::FANS).map(|_| tokio::spawn(rejoins::ask(Arc::clone(world)))));
        clients.push(tokio::spawn(rejoins::change(Arc::clone(world), Arc::clone(&turns))));
    }
    for ended in join_all(clients).await {
        if let Err(panic) = ended {
            world.wrong(format!("a client panicked: {panic}"));
        }
    }
}

async fn ask_often(world: Arc<World>, from_ms: u64) {
    world.clock.sleep(Duration::from_millis(from_ms)).await;
    for _ in 0..FAN_GETS {
        get_somewhere(&world, &world.keys[0]).await;
        world.clock.sleep(world.ms(0, 100)).await;
    }
}

// ---- Changes ----

#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Set,
    Remove,
    Clear,
}

async fn change(world: &Arc<World>, turns: &[Mutex<()>; 3]) {
    let verb = match world.below(20) {
        0..2 => Verb::Clear,
        2..11 => Verb::Set,
        _ => Verb::Remove,
    };
    let all = [0, 1, 2];
    let one = [world.below(3) as usize];
    let keys = if matches!(verb, Verb::Clear) { &all[..] } else { &one[..] };
    change_by(world, turns, verb, keys).await;
}

async fn change_by(world: &Arc<World>, turns: &[Mutex<()>; 3], verb: Verb, keys: &[usize]) {
    let _turns = take_turns(world, turns, keys).await;
    let Some(node) = world.somewhere() else { return };
    let gives_up = if world.chance(40) { Some(world.ms(20, 3_000)) } else { None };
    let within = match world.profile.is_mild || world.chance(30) {
        true => LONG,
        false => world.ms(500, 5_000),
    };
    make(world, &node, verb, keys, within, gives_up).await;
}

/// Waits until no other client changes these keys, unless several may.
pub(super) async fn take_turns<'a>(
    world: &World,
    turns: &'a [Mutex<()>; 3],
    keys: &[usize],
) -> Vec<MutexGuard<'a, ()>> {
    let mut taken = Vec::new();
    for key in keys.iter().filter(|_| !world.profile.in_parallel) {
        taken.push(turns[*key].lock().await);
    }
    taken
}

/// Makes a change through `node`. Answers whether it was confirmed.
pub(super) async fn make(
    world: &Arc<World>,
    node: &Arc<Node>,
    verb: Verb,
    keys: &[usize],
    within: Duration,
    gives_up: Option<Duration>,
) -> bool {
    let now_ms = world.clock.now_ms();
    let is_set = matches!(verb, Verb::Set);
    let begin = |key: &usize| world.history.lock().begin(&world.keys[*key], is_set, now_ms);
    let began: Vec<Began> = keys.iter().map(begin).collect();
    let what = began.iter().map(|began| format!("{}@{}", began.key, began.version));
    let what = format!("{verb:?} {:?} at {}", what.collect::<Vec<_>>(), node.place);
    world.say(|| format!("{what}, within {within:?}, for {gives_up:?}"));
    let (group, key, version) = (Arc::clone(&node.group), began[0].key.clone(), began[0].version);
    let call = match verb {
        Verb::Clear => async move { group.clear(within).await.map(drop) }.boxed(),
        Verb::Remove => async move { group.remove(&key, within).await.map(drop) }.boxed(),
        Verb::Set => async move {
            let value = Found { version, was_set: true }.text();
            group.set(&key, value, None, within).await
        }
        .boxed(),
    };
    let mut call = node.process.run(call);
    let made = match gives_up {
        Some(patience) => world.clock.timeout(patience, call.end()).await,
        None => Ok(call.end().await),
    };
    call.give_up();
    let ended = match made {
        // Whatever it answered went down with it.
        _ if node.process.has_ended() => None,
        Ok(ended) => ended,
        Err(_) => None,
    };
    world.say(|| format!("{what}: {ended:?}"));
    let is_ok = matches!(ended, Some(Ok(())));
    {
        let (history, now_ms) = (&mut *world.history.lock(), world.clock.now_ms());
        began.iter().for_each(|began| history.end(began, is_ok, now_ms));
    }
    match ended {
        Some(Ok(())) => world.count(|outcome| outcome.oks += 1),
        Some(Err(Error::NotConfirmed { reason, .. })) => {
            world.count(|outcome| outcome.not_confirmed += 1);
            failed(world, verb, within, &reason);
        }
        Some(Err(Error::DeadlineExceeded { .. })) => {
            world.count(|outcome| outcome.not_confirmed += 1);
            failed(world, verb, within, "the deadline");
        }
        Some(Err(error)) => world.wrong(format!("{what} fails: {error}")),
        None => world.count(|outcome| outcome.given_up += 1),
    }
    is_ok
}

fn failed(world: &World, verb: Verb, within: Duration, reason: &str) {
    if world.profile.is_mild && within >= LONG {
        let reason = format!("{verb:?} by {:?}: {reason}", world.profile.finding);
        world.count(|outcome| *outcome.failed.entry(reason).or_default() += 1);
    }
}

// ---- Gets ----

pub(super) async fn get_somewhere(world: &Arc<World>, key: &str) {
    let Some(node) = world.somewhere() else { return };
    let within = if world.chance(20) { LONG } else { WITHIN };
    if let Err(error) = get(world, &node, key, within).await {
        world.wrong(format!("a get at {} fails: {error}", node.place));
    }
}

/// Whether it was answered; `Ok(false)` says that its node is to blame.
async fn get(
    world: &Arc<World>,
    node: &Arc<Node>,
    key: &str,
    within: Duration,
) -> Result<bool, Error> {
    world.note_get(node.place, key);
    let asked = world.history.lock().ask(key);
    let (began_ms, was_paused) = (world.clock.now_ms(), node.process.is_paused());
    if let Some(found) = world.copy_of(key) {
        world.count(|outcome| outcome.hot_in_client += 1);
        if let Some(old) = world.history.lock().judge(key, &asked, found) {
            let (confirmed, at_ms) = (old.confirmed, old.at_ms);
            world.wrong(format!(
                "a client has {key} as {found:?} in a get from {began_ms} ms, though {confirmed} \
                 was confirmed at {at_ms} ms"
            ));
        }
        return Ok(true);
    }
    let uncertain = || node.ownership.state() != OwnershipState::Holds;
    let was_uncertain = uncertain();
    let (group, name) = (Arc::clone(&node.group), key.to_owned());
    let borrows = world.profile.client_borrows;
    let mut getting = node.process.run(async move {
        if !borrows {
            return (group.get(&name, within).await, 0);
        }
        let (_, reply, lent_ms) = group.get_and_lend(&name, within).await;
        (reply, lent_ms)
    });
    let got = getting.end().await;
    let place = node.place;
    // It crashed with its node.
    let Some((got, lent_ms)) = got.filter(|_| !node.process.has_ended()) else {
        return Ok(false);
    };
    let took_ms = world.clock.now_ms() - began_ms;
    if took_ms > within.as_millis() as u64 + 1 && !was_paused && !node.was_paused_since(began_ms) {
        world.wrong(format!("a get at {place} takes {took_ms} ms"));
    }
    let answer = match got {
        Ok(answer) => answer,
        Err(Error::DeadlineExceeded { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let (found, origin) = (Found::of(&answer.value), answer.origin);
    world.say(|| format!("get {key} at {place} is {found:?} ({origin:?}), since {began_ms}"));
    world.count(|outcome| outcome.hot += u64::from(origin == Origin::Hot));
    world.borrow(key, found, began_ms + lent_ms);
    let Some(old) = world.history.lock().judge(key, &asked, found) else { return Ok(true) };
    // The one exception: what a node that is not certain keeps for a second.
    let is_brief = world.profile.uncertain == Uncertain::Brief
        && origin == Origin::Hit
        && (was_uncertain || uncertain())
        && old.superseded_ms + BRIEF_COPY_MS > began_ms;
    if is_brief {
        world.count(|outcome| outcome.brief += 1);
    } else {
        world.wrong(format!(
            "{key} is {found:?} ({origin:?}) at {place} in a get from {began_ms} ms, though {} \
             was confirmed at {} ms",
            old.confirmed, old.at_ms
        ));
    }
    Ok(true)
}

// ---- The end ----

/// When all is mended, every node holds its keys, answers, and confirms changes.
pub(super) async fn look_at_the_end(world: &Arc<World>) {
    world.say(|| "all is mended".into());
    let mended_ms = world.clock.now_ms();
    loop {
        let mut alive = world.all_alive().into_iter();
        let missing = alive.find(|node| node.ownership.state() != OwnershipState::Holds);
        let took_ms = world.clock.now_ms() - mended_ms;
        match missing {
            None => break world.count(|outcome| outcome.mended_ms = took_ms),
            Some(node) if took_ms > MENDED_WITHIN_MS => {
                let (place, state) = (node.place, node.ownership.state());
                let problem = node.problem();
                let all = "ms after all is mended";
                return world.wrong(format!("{took_ms} {all} {place} is {state:?}: {problem}"));
            }
            Some(_) => world.clock.sleep(Duration::from_millis(100)).await,
        }
    }
    for node in world.all_alive() {
        for key in 0..world.keys.len() {
            look(world, &node, key).await;
        }
    }
}

async fn look(world: &Arc<World>, node: &Arc<Node>, key: usize) {
    let (name, place) = (&world.keys[key], node.place);
    let mut looks = vec![get(world, node, name, LONG).await];
    let verb = if world.chance(50) { Verb::Set } else { Verb::Remove };
    if !make(world, node, verb, &[key], LONG, None).await {
        world.wrong(format!("in the end a change of {name} is not confirmed at {place}"));
    }
    looks.push(get(world, node, name, LONG).await);
    if looks.iter().any(|look| !matches!(look, Ok(true))) {
        world.wrong(format!("in the end a get of {name} at {place} fails: {looks:?}"));
    }
}
