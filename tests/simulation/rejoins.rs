//! One node leaves and joins again all the time, while the first key, which it owns, is hot
//! and is changed through one other node.
//!
//! Some changes then travel for seconds (`network`). So a set arrives at an owner that has
//! lost the key meanwhile and gained it again, a clear is under way while the node joins,
//! and copies are out while it joins. Elsewhere each of these is rare.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::clients::{self, Verb};
use super::faults;
use super::world::World;
use psycache::key;
use psycache::membership::rendezvous::{Ring, RingNode};

/// From when on the node leaves and the key is changed, and until when.
const FROM_MS: u64 = 3_000;
const UNTIL_MS: u64 = 16_000;

/// Clients that ask for the key all that time.
pub(super) const FANS: u64 = 4;

/// Who does what.
struct Parts {
    /// The owner of the key, which leaves and joins again.
    owner: usize,
    /// Neither that nor the owner while it is away. What it knows of the changes of both
    /// comes from the changes that it sends.
    changer: usize,
}

impl Parts {
    fn of(world: &World) -> Self {
        let places = 0..world.profile.places;
        let node = |place| RingNode { address: World::address(place).into(), weight: 1 };
        let ring = Ring::new(places.clone().map(node));
        let hash = key::ring_hash(&world.keys[0]);
        let first = |keep: &dyn Fn(usize) -> bool| {
            let at = ring.owner_among(hash, keep).expect("three places or more");
            World::place(&ring.nodes()[at].address)
        };
        let owner = first(&|_| true);
        let second = first(&|at| at != owner);
        let changer = places.into_iter().find(|place| ![owner, second].contains(place));
        Self { owner, changer: changer.expect("three places or more") }
    }
}

/// The owner leaves and joins again.
pub(super) async fn leaves_again_and_again(world: &Arc<World>) {
    let owner = Parts::of(world).owner;
    world.clock.sleep(Duration::from_millis(FROM_MS)).await;
    while world.clock.now_ms() < UNTIL_MS {
        world.clock.sleep(world.ms(0, 1_200)).await;
        faults::leaves(world, owner, world.ms(0, 800)).await;
    }
}

/// Changes the key, mostly through the node that learns of no other's changes.
pub(super) async fn change(world: Arc<World>, turns: Arc<[Mutex<()>; 3]>) {
    let Parts { owner, changer } = Parts::of(&world);
    world.clock.sleep(Duration::from_millis(FROM_MS)).await;
    while world.clock.now_ms() < UNTIL_MS {
        // Mostly several in a row, and then none for longer than the owner is away.
        let rest = if world.chance(30) { world.ms(0, 2_500) } else { world.ms(0, 300) };
        world.clock.sleep(rest).await;
        let place = if world.chance(20) { owner } else { changer };
        let Some(node) = world.alive(place) else { continue };
        let (verb, keys) = match world.below(20) {
            0..5 => (Verb::Clear, &[0, 1, 2][..]),
            5..17 => (Verb::Set, &[0][..]),
            _ => (Verb::Remove, &[0][..]),
        };
        let _turns = clients::take_turns(&world, &turns, keys).await;
        let gives_up = world.chance(50).then(|| world.ms(20, 400));
        clients::make(&world, &node, verb, keys, world.ms(500, 5_000), gives_up).await;
    }
}

/// Asks for the key all the time.
pub(super) async fn ask(world: Arc<World>) {
    world.clock.sleep(Duration::from_millis(FROM_MS - 1_000)).await;
    while world.clock.now_ms() < UNTIL_MS {
        clients::get_somewhere(&world, &world.keys[0]).await;
        world.clock.sleep(world.ms(0, 80)).await;
    }
}
