//! What goes wrong, one thing after the other and several at a time.

use std::sync::Arc;
use std::time::Duration;

use super::profile::Finding;
use super::rejoins;
use super::world::World;

/// Until when new faults begin, and how long one lasts at most.
const BEGIN_UNTIL_MS: u64 = 18_000;
const LONGEST_MS: u64 = 12_000;

/// Breaks things and mends them; returns when all are mended.
pub(super) async fn happen(world: Arc<World>) {
    if world.profile.is_mild {
        return happens_alone(&world).await;
    }
    let mut under_way = Vec::new();
    if let Some(from_ms) = world.profile.hot_from_ms {
        let rolls = Arc::clone(&world);
        under_way.push(world.outside.run(async move { is_rolled(&rolls, from_ms).await }));
    }
    if world.profile.rejoins {
        let rejoins = Arc::clone(&world);
        let again = async move { rejoins::leaves_again_and_again(&rejoins).await };
        under_way.push(world.outside.run(again));
    }
    // Some runs are quiet: there only time and order differ, and whether one node rejoins.
    let calm = world.chance(if world.profile.rejoins { 70 } else { 10 });
    let spacing_ms = 1_000 + world.below(4_000);
    while world.clock.now_ms() < BEGIN_UNTIL_MS {
        world.clock.sleep(world.ms(100, spacing_ms)).await;
        if !calm {
            let faulty = Arc::clone(&world);
            under_way.push(world.outside.run(async move { one(&faulty).await }));
        }
    }
    for mut fault in under_way {
        if fault.end().await.is_none() {
            world.wrong("a fault does not end".into());
        }
    }
}

/// One node after the other goes and comes again while a key is hot.
async fn is_rolled(world: &Arc<World>, from_ms: u64) {
    world.clock.sleep(Duration::from_millis(from_ms + 500)).await;
    for place in 0..world.profile.places {
        world.clock.sleep(world.ms(0, 1_000)).await;
        let soon = world.ms(0, 300);
        match world.chance(80) {
            true => leaves(world, place, soon).await,
            false => crashes(world, place, soon).await,
        }
    }
}

/// One node crashes, or leaves, after all have joined.
async fn happens_alone(world: &Arc<World>) {
    world.clock.sleep(world.ms(3_000, 12_000)).await;
    let place = world.below(world.profile.places as u64) as usize;
    let lasts = world.ms(0, LONGEST_MS);
    match world.chance(50) {
        true => leaves(world, place, lasts).await,
        false => crashes(world, place, lasts).await,
    }
}

/// All is as it should be.
pub(super) fn mend(world: &Arc<World>) {
    world.links.mend();
    world.register.mend();
    world.all_alive().iter().for_each(|node| node.process.pause(false));
    (0..world.profile.places).for_each(|place| world.start(place));
}

async fn one(world: &Arc<World>) {
    let places = world.profile.places;
    let place = world.below(places as u64) as usize;
    let other = (place + 1 + world.below(places as u64 - 1) as usize) % places;
    // Many faults are over before anybody notices; those that last are noticed.
    let lasts = if world.chance(40) { world.ms(0, 1_500) } else { world.ms(50, LONGEST_MS) };
    match world.below(13) {
        0 => {
            let what = format!("{place} and {other} are cut");
            during(world, lasts, &what, |world, cut| world.links.cut(place, other, cut)).await;
        }
        1 => {
            let what = format!("{place} and {other} are slow");
            during(world, lasts, &what, |world, slow| world.links.slow(place, other, slow)).await;
        }
        2 => {
            during(world, lasts, &format!("{place} is cut from all"), |world, cut| {
                let others = (0..places).filter(|other| *other != place);
                others.for_each(|other| world.links.cut(place, other, cut));
            })
            .await;
        }
        3..7 if world.profile.finding == Finding::Registry && !world.hears_of_loss() => {
            registry_fault(world, place, lasts).await;
        }
        7 => leaves(world, place, lasts).await,
        8 => flaps(world, place).await,
        9 | 10 if !world.hears_of_loss() => pauses(world, place, lasts).await,
        _ => crashes(world, place, lasts).await,
    }
}

async fn during(world: &World, lasts: Duration, what: &str, set: impl Fn(&World, bool)) {
    world.say(|| format!("{what} for {lasts:?}"));
    world.count(|outcome| outcome.cuts += 1);
    set(world, true);
    world.clock.sleep(lasts).await;
    world.say(|| format!("no more: {what}"));
    set(world, false);
}

async fn registry_fault(world: &World, place: usize, lasts: Duration) {
    match world.below(10) {
        0..3 => {
            let stands_still = world.chance(60);
            let what = match stands_still {
                true => "the registry is down",
                false => "the registry is out of reach for all",
            };
            during(world, lasts, what, |world, down| {
                world.register.set_down(down, stands_still);
            })
            .await;
        }
        3 => loses_everything(world),
        4 | 5 => {
            world.say(|| format!("somebody deletes the entry of {place}"));
            world.register.delete(place);
        }
        6 => {
            let what = format!("the registry is slow for {place}");
            during(world, lasts, &what, |world, slow| world.register.set_slow(place, slow)).await;
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

/// All that reach the registry hear of it at once. That a node which can't is vouched for
/// meanwhile, for longer than a new one waits, is more than is promised for.
fn loses_everything(world: &World) {
    let paused = world.all_alive().iter().any(|node| node.process.is_paused());
    if !paused && world.register.is_in_reach_of_all() {
        world.say(|| "the registry has lost everything".into());
        world.register.lose_everything();
        world.hear_of_loss();
    }
}

async fn crashes(world: &Arc<World>, place: usize, lasts: Duration) {
    let Some(node) = world.alive(place) else { return };
    world.say(|| format!("{place} crashes for {lasts:?}"));
    world.end(&node);
    world.count(|outcome| outcome.crashes += 1);
    world.clock.sleep(lasts).await;
    world.start(place);
}

/// Nothing of the process runs for a time: it was stopped, or its machine suspended.
async fn pauses(world: &Arc<World>, place: usize, lasts: Duration) {
    let Some(node) = world.alive(place).filter(|node| !node.process.is_paused()) else { return };
    world.say(|| format!("{place} is paused for {lasts:?}"));
    world.count(|outcome| outcome.pauses += 1);
    node.pause(world);
    world.clock.sleep(lasts).await;
    world.say(|| format!("{place} goes on"));
    node.process.pause(false);
}

/// Leaves twice, so that its keys change hands three times in a few seconds.
async fn flaps(world: &Arc<World>, place: usize) {
    leaves(world, place, world.ms(0, 300)).await;
    world.clock.sleep(world.ms(50, 2_500)).await;
    leaves(world, place, world.ms(0, 3_000)).await;
}

/// Stops in order: off the register first, serving on for a moment.
pub(super) async fn leaves(world: &Arc<World>, place: usize, lasts: Duration) {
    let Some(node) = world.alive(place) else { return };
    world.say(|| format!("{place} leaves for {lasts:?}"));
    world.count(|outcome| outcome.leaves += 1);
    let (leaving, with) = (Arc::clone(&node), Arc::clone(world));
    let mut leaving = node.process.run(async move { leaving.leave(with).await });
    // It may crash over it.
    leaving.end().await;
    if world.end(&node) {
        world.say(|| format!("{place} has left"));
        world.clock.sleep(lasts).await;
        world.start(place);
    }
}
