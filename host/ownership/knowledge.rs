//! The state of the protocol in a node and the decisions that follow from it, without I/O
//! (rules 2, 3, 4 and 7).
//!
//! Times are milliseconds of the node's clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::timing::Timing;
use crate::flaw::{self, Flaw};
use crate::membership::rendezvous::RingNode;
use crate::membership::view::{Member, Name, View};

/// This node's registration (rule 1).
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) name: Name,
    pub(super) since_ms: u64,
    /// When the last answered keep-alive of the short lease was sent, and the lease's
    /// TTL.
    short_ms: u64,
    short_ttl_ms: u64,
    /// The same for the long lease.
    long_ms: u64,
    long_ttl_ms: u64,
}

/// A member that vouches for this node (rule 7).
#[derive(Clone, Copy, Debug)]
struct Vouch {
    name: Name,
    asked_ms: u64,
}

/// A node that this one vouches for (rule 7).
#[derive(Clone, Debug)]
struct Promise {
    name: Name,
    weight: u32,
    until_ms: u64,
}

pub(super) struct Knowledge {
    pub(super) own: RingNode,
    pub(super) timing: Timing,
    pub(super) registered: Option<Registered>,
    /// The last view seen. Without a registration it is used only to route requests.
    pub(super) view: View,
    /// The revision of the last view whose step is complete, which includes that lost
    /// entries are dropped.
    pub(super) settled: i64,
    pub(super) joined: bool,
    pub(super) leaving: bool,
    /// Whether the ring is being changed. The node holds nothing meanwhile.
    pub(super) stepping: bool,
    /// Removed members whose short leases may still live (rule 4).
    ghosts: Vec<Member>,
    promises: BTreeMap<Arc<str>, Promise>,
    vouches: BTreeMap<Arc<str>, Vouch>,
}

impl Knowledge {
    pub(super) fn new(own: RingNode, timing: Timing) -> Self {
        Self {
            own,
            timing,
            registered: None,
            view: View::default(),
            settled: 0,
            joined: false,
            leaving: false,
            stepping: false,
            ghosts: Vec::new(),
            promises: BTreeMap::new(),
            vouches: BTreeMap::new(),
        }
    }

    /// This node's registration; 0: it has none.
    pub(super) fn name(&self) -> Name {
        self.registered.as_ref().map_or(0, |registered| registered.name)
    }

    /// Whether it has joined, and is not leaving.
    pub(super) fn reigns(&self) -> bool {
        self.joined && !self.leaving
    }

    /// Records a registration that was just made, or found.
    pub(super) fn register(&mut self, name: Name, sent_ms: u64, now_ms: u64, ttl_ms: (u64, u64)) {
        let (short_ttl_ms, long_ttl_ms) = ttl_ms;
        self.joined = false;
        self.registered = Some(Registered {
            name,
            since_ms: now_ms,
            short_ms: sent_ms,
            short_ttl_ms,
            long_ms: sent_ms,
            long_ttl_ms,
        });
    }

    /// Records that the registry answered a keep-alive that was sent at `sent_ms`.
    pub(super) fn renewed(&mut self, long: bool, sent_ms: u64) {
        if let Some(registered) = &mut self.registered {
            let last = if long { &mut registered.long_ms } else { &mut registered.short_ms };
            *last = sent_ms.max(*last);
        }
    }

    /// Forgets everything, as a crash would (rule 1). The view stays, to route requests.
    pub(super) fn stop(&mut self) {
        self.registered = None;
        self.joined = false;
        self.settled = 0;
        self.ghosts.clear();
        self.promises.clear();
        self.vouches.clear();
    }

    // ---- The view (rule 1) ----

    /// Whether `view` is later than the one that this node has.
    pub(super) fn is_later(&self, view: &View) -> bool {
        view.cluster == self.view.cluster && view.revision > self.view.revision
    }

    /// Moves to `view`. Removed members become ghosts.
    pub(super) fn see(&mut self, view: View) {
        if self.registered.is_some() && !flaw::is(Flaw::GhostsAreNotKept) {
            let gone = self.view.members.iter().filter(|(address, member)| {
                **address != self.own.address && view.name_at(address) != member.name
            });
            let gone: Vec<Member> = gone.map(|(_, member)| member.clone()).collect();
            self.ghosts.extend(gone);
        }
        self.vouches.retain(|address, _| view.members.contains_key(address));
        self.view = view;
    }

    // ---- The ring (rule 2) ----

    /// Members, ghosts, and nodes that this one has promised to. If several have one
    /// address, the largest weight counts, because it comes first in every key's order.
    pub(super) fn ring(&self) -> BTreeMap<Arc<str>, u32> {
        let mut ring = BTreeMap::new();
        let mut add = |address: &Arc<str>, weight: u32| {
            let known = ring.entry(Arc::clone(address)).or_insert(weight);
            *known = weight.max(*known);
        };
        for (address, member) in &self.view.members {
            add(address, member.entry.weight);
        }
        for ghost in &self.ghosts {
            add(&ghost.entry.address.as_str().into(), ghost.entry.weight);
        }
        for (address, promise) in &self.promises {
            if flaw::is(Flaw::PromisesAreNotKept) {
                break;
            }
            add(address, promise.weight);
        }
        if self.leaving {
            // Requests go to the new owners from now on.
            ring.remove(&self.own.address);
        }
        ring
    }

    /// The registrations of the other nodes in the ring, all of which a clear needs (rule
    /// 8).
    pub(super) fn names_in_ring(&self) -> Vec<(Arc<str>, Name)> {
        let members = self.view.members.iter().map(|(address, m)| (Arc::clone(address), m.name));
        let ghosts = self.ghosts.iter().map(|g| (g.entry.address.as_str().into(), g.name));
        let promised = self.promises.iter().map(|(address, p)| (Arc::clone(address), p.name));
        let all = members.chain(ghosts).chain(promised);
        all.filter(|(address, _)| *address != self.own.address).collect()
    }

    // ---- Certainty (rules 2 and 7) ----

    /// Until when this node may hold its keys; 0: it may not.
    pub(super) fn certain_until_ms(&self) -> u64 {
        let holds = self.reigns() && !self.stepping;
        let Some(registered) = self.registered.as_ref().filter(|_| holds) else {
            return 0;
        };
        // A joiner does not find a node whose record has ended.
        let leased_ms = self.short_until_ms(registered).min(self.long_until_ms(registered));
        leased_ms.max(self.vouched_until_ms(registered))
    }

    /// When this node begins to ask for vouches: half of T before it can't rely on its short
    /// lease any more. `None`: it has not joined, or it is leaving.
    pub(super) fn asks_for_vouches_at_ms(&self) -> Option<u64> {
        let registered = self.registered.as_ref().filter(|_| self.reigns())?;
        Some(self.short_until_ms(registered).saturating_sub(ms(self.timing.lease) / 2))
    }

    /// Until when this node can rely on its short lease.
    fn short_until_ms(&self, registered: &Registered) -> u64 {
        let end_ms = registered.short_ms + registered.short_ttl_ms;
        end_ms.saturating_sub(ms(self.timing.margin()))
    }

    /// Until when this node can rely on its long lease.
    fn long_until_ms(&self, registered: &Registered) -> u64 {
        let end_ms = registered.long_ms + registered.long_ttl_ms;
        end_ms.saturating_sub(ms(self.timing.margin()))
    }

    fn vouched_until_ms(&self, registered: &Registered) -> u64 {
        let lasts_ms = ms(self.timing.promise()).saturating_sub(ms(self.timing.margin()));
        let mut long_ms = self.long_until_ms(registered);
        if flaw::is(Flaw::VouchedWithoutEnd) {
            long_ms = u64::MAX - 1;
        }
        let others = self.view.members.iter().filter(|(address, _)| **address != self.own.address);
        let until =
            others.skip(usize::from(flaw::is(Flaw::MostVouch))).map(|(address, member)| match self
                .vouches
                .get(address)
            {
                Some(vouch) if vouch.name == member.name => vouch.asked_ms + lasts_ms,
                _ => 0,
            });
        until.min().unwrap_or(long_ms).min(long_ms)
    }

    /// Records that the registration `name` at `address` vouches for this node, which
    /// asked at `asked_ms`.
    pub(super) fn vouched_by(&mut self, address: &str, name: Name, asked_ms: u64) {
        let vouch = self.vouches.entry(address.into()).or_insert(Vouch { name, asked_ms });
        if vouch.name != name || vouch.asked_ms < asked_ms {
            *vouch = Vouch { name, asked_ms };
        }
    }

    /// Vouches for the registration `name` at `address` if this node's view contains it.
    /// Returns this node's own registration; `None`: it does not vouch.
    pub(super) fn vouch_for(
        &mut self,
        address: &str,
        name: Name,
        cluster: u64,
        now_ms: u64,
    ) -> Option<Name> {
        let own = self.name();
        let known = self.view.members.get_key_value(address);
        let (address, member) = known.filter(|(_, member)| member.name == name)?;
        // A name has no meaning in another registry, such as a restored one.
        if own == 0 || self.leaving || cluster != self.view.cluster {
            return None;
        }
        let until_ms = now_ms + ms(self.timing.promise());
        let promise = Promise { name, weight: member.entry.weight, until_ms };
        self.promises.insert(Arc::clone(address), promise);
        Some(own)
    }

    /// Drops promises that have ended.
    pub(super) fn end_promises(&mut self, now_ms: u64) {
        self.promises.retain(|_, promise| promise.until_ms > now_ms);
    }

    /// When the next promise ends.
    pub(super) fn next_promise_ms(&self) -> Option<u64> {
        self.promises.values().map(|promise| promise.until_ms).min()
    }

    // ---- Ghosts (rule 4) ----

    pub(super) fn ghosts(&self) -> Vec<Member> {
        self.ghosts.clone()
    }

    /// Drops a ghost, after the registry has answered that its lease does not exist.
    pub(super) fn is_gone(&mut self, ghost: &Member) {
        self.ghosts.retain(|known| known != ghost);
    }

    // ---- Joining (rule 3) ----

    /// Why this node does not yet ack the joiner at `address`; `None`: it acks. `asker`
    /// is the joiner's entry in its own view.
    pub(super) fn keeps_waiting(
        &self,
        address: &str,
        asker: Option<&Member>,
        cluster: u64,
        revision: i64,
    ) -> Option<&'static str> {
        if self.name() == 0 || self.leaving {
            Some("it is not registered")
        } else if asker.is_none()
            || self.view.members.get(address) != asker
            || self.view.cluster != cluster
        {
            // The whole entry is compared, because an emptied etcd may assign the same
            // name again.
            Some("it has not seen the registration")
        } else if self.settled < revision {
            Some("its view is older")
        } else if !self.ghosts.is_empty() && !flaw::is(Flaw::AckWithGhosts) {
            Some("it waits for the lease of a node that went to end")
        } else if self.promises.iter().any(|(at, p)| self.view.name_at(at) != p.name)
            && !flaw::is(Flaw::AckWithPromises)
        {
            Some("it vouches for a node that went")
        } else {
            None
        }
    }

    /// The members that registered before this node.
    pub(super) fn earlier(&self) -> Vec<(Arc<str>, Name)> {
        let mut others = self.others();
        others.retain(|(_, name)| *name < self.name());
        others
    }

    /// Records that `earlier` have acked the registration `name`. Returns whether that is
    /// still this node's, and these are still the members that registered before it.
    pub(super) fn join(&mut self, name: Name, earlier: &[(Arc<str>, Name)]) -> bool {
        // 1. A message shows this node that its entry is gone, and it stops. 2. Acks for
        // the old registration arrive. 3. It registers anew. The old acks must not count
        // for the new registration.
        let is_same = name != 0 && self.name() == name && self.earlier() == earlier;
        self.joined |= is_same && !self.leaving;
        is_same
    }

    /// The other members, by address and registration.
    pub(super) fn others(&self) -> Vec<(Arc<str>, Name)> {
        let members = self.view.members.iter();
        let others = members.filter(|(address, _)| **address != self.own.address);
        others.map(|(address, member)| (Arc::clone(address), member.name)).collect()
    }
}

/// Whole milliseconds.
pub(super) fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
