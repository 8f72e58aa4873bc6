//! At most one node holds a key at any moment.

use std::sync::Arc;

use super::node::Node;
use super::profile::Finding;
use super::world::World;
use psycache::key;

/// What was looked at last: as long as it is the same, so is the answer.
#[derive(Default)]
pub(super) struct Holders(Vec<(u64, u64, bool)>);

impl Holders {
    pub(super) fn check(&mut self, world: &World, alive: &[Arc<Node>]) {
        if world.profile.finding == Finding::List {
            // A node started anew holds the same as the one before it, for ever.
            return;
        }
        let now = alive.iter().map(|node| {
            let ownership = &node.ownership;
            let certain = ownership.is_certain() && ownership.has_joined();
            (ownership.process(), ownership.ring_version(), certain)
        });
        let now: Vec<_> = now.collect();
        if now == self.0 {
            return;
        }
        for node in alive {
            world.say(|| node.in_words());
        }
        self.0 = now;
        for key in &world.keys {
            let hash = key::ring_hash(key);
            let holds = alive.iter().filter(|node| node.ownership.holds(hash));
            let holders: Vec<usize> = holds.map(|node| node.place).collect();
            if holders.len() > 1 {
                world.wrong(format!("{key} is held by {holders:?} at a time"));
            }
        }
    }
}
