//! From whom a new owner takes values over, and to whom an old one gives them. Rule 9.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::right::{Ownership, Snapshot};
use super::state::{State, ms};
use crate::membership::rendezvous::{Ring, RingNode};
use crate::membership::view::Name;
use crate::sync::Mutex;
use crate::transport::remote::Remote;

/// For how long values are given, and changes of their keys remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// A registration.
type Registration = (Arc<str>, Name);

/// To whom a node may give what it lost in one step.
#[derive(Clone, Debug, Default)]
pub struct Giver {
    /// The one registration that came in that step; `None`: several did, or none.
    pub newcomer: Option<Registration>,
    /// Until when it remembers what it gives, by its own clock.
    pub until_ms: u64,
}

/// From whom a new owner may take over the value of a key.
pub struct Inheritance {
    /// Who held it before.
    pub from: Arc<dyn Remote>,
    /// The giver's registration, for one that left; the heir's own, for one that stays.
    pub name: Name,
    /// The value is of no use if the key changed since, by this node's clock.
    pub unchanged_since_ms: u64,
}

/// What a node knows of those whose keys it has.
#[derive(Default)]
pub(super) struct Heirs(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Those in the ring after the last step.
    names: Vec<Registration>,
    joined: Option<Joined>,
    went: Vec<Went>,
}

/// What this node took over when it registered.
struct Joined {
    name: Name,
    since_ms: u64,
    /// The owners before it.
    before: Ring,
    /// All members since, this node among them.
    ever: BTreeMap<Arc<str>, u32>,
    throughout: Ring,
}

/// One registration went, and nothing else changed in that step.
struct Went {
    who: Registration,
    at_ms: u64,
    before: Ring,
    after: Ring,
}

impl Heirs {
    pub(super) fn forget(&self) {
        *self.0.lock() = Known::default();
    }

    /// Notes one step of the ring, and answers to whom what is lost in it may be given.
    pub(super) fn step(
        &self,
        own: &Arc<str>,
        state: &State,
        now_ms: u64,
        (was, next): (&Snapshot, &Snapshot),
        make_ring: &dyn Fn(Vec<RingNode>) -> Ring,
    ) -> Giver {
        let known = &mut *self.0.lock();
        let names = state.names_in_ring();
        let came: Vec<_> = names.iter().filter(|name| !known.names.contains(name)).collect();
        let gone = known.names.iter().filter(|name| !names.contains(name));
        let gone: Vec<Registration> = gone.cloned().collect();
        let newcomer = match came[..] {
            [one] => Some(one.clone()),
            _ => None,
        };
        known.went.retain(|went| now_ms < went.at_ms + ms(REMEMBERED));
        if !came.is_empty() {
            // It may take a key that this node gained before, and go again.
            known.went.clear();
        } else if let [who] = &gone[..] {
            let (before, after) = (was.ring.clone(), next.ring.clone());
            known.went.push(Went { who: who.clone(), at_ms: now_ms, before, after });
        }
        known.names = names;
        known.note_members(own, state, now_ms, make_ring);
        Giver { newcomer, until_ms: now_ms + ms(REMEMBERED) }
    }
}

impl Joined {
    /// Since when the node at `own` has been the owner of the key with this hash in every
    /// view; `None`: it was not, or that is long ago.
    fn inherits(&self, own: &Arc<str>, ring_hash: u64, now_ms: u64) -> Option<u64> {
        let is_recent = now_ms < self.since_ms + ms(REMEMBERED);
        let owner = self.throughout.owner(ring_hash)?;
        (is_recent && self.throughout.nodes()[owner].address == *own).then_some(self.since_ms)
    }
}

impl Known {
    fn note_members(
        &mut self,
        own: &Arc<str>,
        state: &State,
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
        let name = state.name();
        let members = || {
            let members = state.view.members.iter();
            members.map(|(address, member)| (Arc::clone(address), member.entry.weight))
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
                joined.ever.extend(members());
                if joined.ever.len() > known {
                    joined.throughout = ring(&joined.ever, None);
                }
            }
            _ => {
                let ever: BTreeMap<_, _> = members().collect();
                let (before, throughout) = (ring(&ever, Some(own)), ring(&ever, None));
                self.joined = Some(Joined { name, since_ms: now_ms, before, ever, throughout });
            }
        }
    }
}

impl Ownership {
    /// From whom the value of the key with this hash may be taken over; `None` in quiet
    /// times.
    #[must_use]
    pub fn inheritance(&self, ring_hash: u64) -> Option<Inheritance> {
        let now_ms = self.clock.now_ms();
        let owner = |ring: &Ring| ring.owner(ring_hash).map(|at| ring.nodes()[at].address.clone());
        let known = self.heirs.0.lock();
        let went = known.went.iter().rev().find(|went| {
            now_ms < went.at_ms + ms(REMEMBERED)
                && owner(&went.before).as_ref() == Some(&went.who.0)
                && owner(&went.after).as_ref() == Some(&self.own)
        });
        let (address, name, unchanged_since_ms) = if let Some(went) = went {
            (went.who.0.clone(), went.who.1, now_ms.saturating_sub(ms(REMEMBERED)))
        } else {
            let joined = known.joined.as_ref()?;
            let since_ms = joined.inherits(&self.own, ring_hash, now_ms)?;
            (owner(&joined.before)?, joined.name, since_ms)
        };
        drop(known);
        let from = self.remote_at(&address);
        Some(Inheritance { from, name, unchanged_since_ms })
    }

    /// Whether this node, as the registration `name`, may keep what the node before it
    /// held of the key with this hash. If so, since when the key must not have changed.
    #[must_use]
    pub fn inherits(&self, name: Name, ring_hash: u64) -> Option<u64> {
        let known = self.heirs.0.lock();
        let joined = known.joined.as_ref().filter(|joined| joined.name == name)?;
        joined.inherits(&self.own, ring_hash, self.clock.now_ms())
    }

    /// The other member that is registered under `name`.
    #[must_use]
    pub fn member(&self, name: Name) -> Option<Arc<dyn Remote>> {
        let others = self.state.lock().others();
        let (address, _) = others.into_iter().find(|(_, known)| *known == name)?;
        Some(self.remote_at(&address))
    }

    /// Whether values that the registration `name` at `address` gives as it leaves may be
    /// kept of the key with this hash.
    #[must_use]
    pub fn is_heir_of(&self, address: &str, name: Name, ring_hash: u64) -> bool {
        let owner = |ring: &Ring| ring.owner(ring_hash).map(|at| ring.nodes()[at].address.clone());
        let known = self.heirs.0.lock();
        known.went.iter().any(|went| {
            (&*went.who.0, went.who.1) == (address, name)
                && owner(&went.before).as_deref() == Some(address)
                && owner(&went.after).as_ref() == Some(&self.own)
        })
    }

    /// Whether the registration `name` at `address` is known to have gone alone.
    #[must_use]
    pub fn has_gone(&self, address: &str, name: Name) -> bool {
        let known = self.heirs.0.lock();
        known.went.iter().any(|went| (&*went.who.0, went.who.1) == (address, name))
    }
}
