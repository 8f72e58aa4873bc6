//! From which node a new owner takes values over, and to which node an old owner gives
//! them (rule 9).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::knowledge::{Knowledge, ms};
use super::snapshot::Snapshot;
use crate::membership::rendezvous::{Ring, RingNode};
use crate::membership::view::Name;
use crate::sync::Mutex;
use crate::transport::remote::Remote;

/// For how long a change of owners is remembered, and values are kept for the new owner.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// A registration.
type Registration = (Arc<str>, Name);

/// The node that may get the values which this one lost in one step.
#[derive(Clone, Debug, Default)]
pub struct Giver {
    /// The one registration that came in that step; `None`: several did, or none.
    pub newcomer: Option<Registration>,
    /// Until when this node keeps the values, by its own clock.
    pub until_ms: u64,
}

/// The members, and the other nodes of the ring, after a step.
pub(super) struct Members {
    /// This node's registration; 0: it has none.
    own: Name,
    /// The others in the ring.
    names: Vec<Registration>,
    /// Addresses and weights of all members.
    weights: BTreeMap<Arc<str>, u32>,
}

impl Members {
    pub(super) fn of(state: &Knowledge) -> Self {
        let members = state.view.members.iter();
        let weights =
            members.map(|(address, member)| (Arc::clone(address), member.entry.weight)).collect();
        Self { own: state.name(), names: state.names_in_ring(), weights }
    }
}

/// What a node knows of the previous owners of its keys.
#[derive(Default)]
pub(super) struct Heirs(pub(super) Mutex<Known>);

#[derive(Default)]
pub(super) struct Known {
    /// The other nodes of the ring after the last step.
    names: Vec<Registration>,
    pub(super) joined: Option<Joined>,
    pub(super) went: Vec<Went>,
}

/// What this node took over when it registered.
pub(super) struct Joined {
    pub(super) name: Name,
    pub(super) since_ms: u64,
    /// The ring of the members before it registered.
    pub(super) before: Ring,
    /// All members in any view since then, including this node.
    ever: BTreeMap<Arc<str>, u32>,
    pub(super) throughout: Ring,
}

/// One registration went, and nothing else changed in that step.
pub(super) struct Went {
    pub(super) who: Registration,
    pub(super) node: Arc<dyn Remote>,
    pub(super) at_ms: u64,
    pub(super) before: Ring,
    pub(super) after: Ring,
}

impl Heirs {
    pub(super) fn forget(&self) {
        *self.0.lock() = Known::default();
    }

    /// Records one step of the ring. Returns the node that may get the values lost in it.
    pub(super) fn step(
        &self,
        own: &Arc<str>,
        members: Members,
        now_ms: u64,
        (was, next): (&Snapshot, &Snapshot),
        make_ring: &dyn Fn(Vec<RingNode>) -> Ring,
    ) -> Giver {
        let known = &mut *self.0.lock();
        let names = members.names;
        let came: Vec<_> = names.iter().filter(|name| !known.names.contains(name)).collect();
        let gone = known.names.iter().filter(|name| !names.contains(name));
        let gone: Vec<Registration> = gone.cloned().collect();
        let newcomer = match came[..] {
            [one] => Some(one.clone()),
            _ => None,
        };
        known.went.retain(|went| now_ms < went.at_ms + ms(REMEMBERED));
        if !came.is_empty() {
            // A node that came may take a key that this node gained before, and leave
            // again.
            known.went.clear();
        } else if let [who] = &gone[..] {
            let (before, after) = (was.ring.clone(), next.ring.clone());
            // Its connection may still work. Otherwise a new one would be made for each
            // key.
            if let Some(node) = was.remote(&who.0) {
                known.went.push(Went { who: who.clone(), node, at_ms: now_ms, before, after });
            }
        }
        known.names = names;
        known.note_members(own, members.own, members.weights, now_ms, make_ring);
        Giver { newcomer, until_ms: now_ms + ms(REMEMBERED) }
    }
}

impl Joined {
    /// Since when the node at `own` has been the owner of the key with this hash in every
    /// view; `None`: it was not, or it registered too long ago.
    pub(super) fn inherits(&self, own: &Arc<str>, ring_hash: u64, now_ms: u64) -> Option<u64> {
        let is_recent = now_ms < self.since_ms + ms(REMEMBERED);
        let owner = self.throughout.owner(ring_hash)?;
        (is_recent && self.throughout.nodes()[owner].address == *own).then_some(self.since_ms)
    }
}

impl Known {
    fn note_members(
        &mut self,
        own: &Arc<str>,
        name: Name,
        members: BTreeMap<Arc<str>, u32>,
        now_ms: u64,
        make_ring: &dyn Fn(Vec<RingNode>) -> Ring,
    ) {
        let ring = |nodes: &BTreeMap<Arc<str>, u32>, without: Option<&Arc<str>>| {
            let nodes = nodes.iter().filter(|(address, _)| Some(*address) != without);
            let node = |(address, weight): (&Arc<str>, &u32)| RingNode {
                address: Arc::clone(address),
                weight: *weight,
            };
            make_ring(nodes.map(node).collect())
        };
        match &mut self.joined {
            _ if name == 0 => self.joined = None,
            Some(joined) if joined.name == name => {
                if now_ms >= joined.since_ms + ms(REMEMBERED) {
                    joined.ever.clear();
                    joined.before = Ring::new([]);
                    return;
                }
                let known = joined.ever.len();
                joined.ever.extend(members);
                if joined.ever.len() > known {
                    joined.throughout = ring(&joined.ever, None);
                }
            }
            _ => {
                let (before, throughout) = (ring(&members, Some(own)), ring(&members, None));
                let ever = members;
                self.joined = Some(Joined { name, since_ms: now_ms, before, ever, throughout });
            }
        }
    }
}
