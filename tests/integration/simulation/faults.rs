//! What goes wrong, one thing after the other and several at a time.

use std::sync::Arc;
use std::time::Duration;

use super::node::Node;
use super::registry;
use super::world::{Finding, World};

/// Until when new faults begin, and how long one lasts at most.
const BEGIN_UNTIL_MS: u64 = 16_000;
const LONGEST_MS: u64 = 12_000;

/// Breaks things and mends them; returns when all are mended.
pub(super) async fn happen(world: Arc<World>) {
    let mut under_way = Vec::new();
    // Some runs are quiet: there only time and order differ.
    let calm = world.chance(15);
    while world.clock.now_ms() < BEGIN_UNTIL_MS {
        world.clock.sleep(world.ms(100, 4_000)).await;
        if !calm {
            under_way.push(tokio::spawn(one(Arc::clone(&world))));
        }
    }
    for fault in under_way {
        fault.await.expect("a fault ends");
    }
}

async fn one(world: Arc<World>) {
    let place = world.below(world.places() as u64) as usize;
    let other = (place + 1 + world.below(world.places() as u64 - 1) as usize) % world.places();
    let lasts = world.ms(50, LONGEST_MS);
    match world.below(8) {
        0 | 1 => {
            during(&world, lasts, &format!("{place} and {other} are cut"), |world, cut| {
                world.set_cut(place, other, cut);
            })
            .await
        }
        2 => {
            during(&world, lasts, &format!("{place} and {other} are slow"), |world, slow| {
                world.set_slow(place, other, slow);
            })
            .await
        }
        3 => {
            during(&world, lasts, &format!("{place} is cut from all"), |world, cut| {
                let others = (0..world.places()).filter(|other| *other != place);
                others.for_each(|other| world.set_cut(place, other, cut));
            })
            .await
        }
        4 | 5 if world.finding == Finding::Register => registry_fault(&world, place, lasts).await,
        6 => leaves(&world, place, lasts).await,
        _ => crashes(&world, place, lasts).await,
    }
}

async fn during(world: &World, lasts: Duration, what: &str, set: impl Fn(&World, bool)) {
    world.say(|| format!("{what} for {lasts:?}"));
    set(world, true);
    world.clock.sleep(lasts).await;
    set(world, false);
}

async fn registry_fault(world: &World, place: usize, lasts: Duration) {
    match world.below(4) {
        0 => {
            during(world, lasts, "the registry is down", |world, down| {
                world.register.set_down(down);
            })
            .await;
            if world.chance(50) {
                world.say(|| "the registry has lost everything".into());
                world.register.lose_everything();
            }
        }
        1 if world.register.answers(place) => {
            world.say(|| format!("somebody takes {place} off the register"));
            world.register.remove(place);
        }
        _ => {
            let what = format!("the registry is out of reach for {place}");
            during(world, lasts, &what, |world, out| {
                world.register.set_out_of_reach(place, out);
            })
            .await;
        }
    }
}

async fn crashes(world: &Arc<World>, place: usize, lasts: Duration) {
    let Some(node) = world.alive(place) else { return };
    world.say(|| format!("{place} crashes for {lasts:?}"));
    world.put(place, None);
    world.promised.lock().lost(place);
    node.crash();
    world.count(|outcome| outcome.crashes += 1);
    world.clock.sleep(lasts).await;
    starts(world, place);
}

/// Stops in order: off the register first, serving on for a moment.
async fn leaves(world: &Arc<World>, place: usize, lasts: Duration) {
    let Some(node) = world.alive(place) else { return };
    world.say(|| format!("{place} leaves for {lasts:?}"));
    world.register.set_out_of_reach(place, true);
    if world.finding == Finding::Register {
        node.cluster.standing().registered_until(0);
    }
    world.register.remove(place);
    world.clock.sleep(Duration::from_millis(500)).await;
    node.cluster.standing().retire();
    // It may crash over it.
    let _ = world.clock.timeout(Duration::from_secs(1), node.cluster.say_goodbye()).await;
    world.register.set_out_of_reach(place, false);
    if world.alive(place).is_some_and(|alive| Arc::ptr_eq(&alive, &node)) {
        world.put(place, None);
        world.promised.lock().lost(place);
        node.crash();
        world.clock.sleep(lasts).await;
        starts(world, place);
    }
}

fn starts(world: &Arc<World>, place: usize) {
    if world.alive(place).is_none() {
        world.say(|| format!("{place} starts"));
        // What this process answers, the one before it did not.
        for (_, other) in world.all_alive() {
            other.heard.lock().remove(&place);
        }
        let node = Node::start(world, place);
        world.put(place, Some(Arc::clone(&node)));
        registry::join(world, place, &node);
    }
}
