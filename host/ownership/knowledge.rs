//! What a node knows of itself and the others, and what follows from it: pure.
//!
//! Rules 2, 3, 4 and 7. Times are milliseconds of the node's clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::timing::Timing;
use crate::flaw::{self, Flaw};
use crate::membership::rendezvous::RingNode;
use crate::membership::view::{Member, Name, View};

/// This node's place in the registry (rule 1).
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) name: Name,
    pub(super) since_ms: u64,
    /// When the last keep-alive of the short lease went out that was answered, and the
    /// lease's TTL.
    short_ms: u64,
    short_ttl_ms: u64,
    /// The same of the long one.
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
    /// What was seen last; without a registration it only serves to route by.
    pub(super) view: View,
    /// The revision of the view that the node acts on in every respect.
    pub(super) settled: i64,
    pub(super) joined: bool,
    pub(super) leaving: bool,
    /// The ring is being changed, and nothing is held meanwhile.
    pub(super) stepping: bool,
    /// Members that went while their short leases may live (rule 4).
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

    /// Takes note of a registration that was just made, or found.
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

    /// The registry answered a keep-alive that went out at `sent_ms`.
    pub(super) fn renewed(&mut self, long: bool, sent_ms: u64) {
        if let Some(registered) = &mut self.registered {
            let last = if long { &mut registered.long_ms } else { &mut registered.short_ms };
            *last = sent_ms.max(*last);
        }
    }

    /// Forgets everything, as a crash would (rule 1). The view stays to route by.
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

    /// Moves to `view`. Members that went become ghosts.
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

    /// Members, ghosts, and those promised to. Where one address stands for several, the
    /// heaviest comes first in every key's order.
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
            // What it is asked for goes to those who own it from now on.
            ring.remove(&self.own.address);
        }
        ring
    }

    /// The names under which those in the ring must have cleared (rule 8). This node is not
    /// among them.
    pub(super) fn names_in_ring(&self) -> Vec<(Arc<str>, Name)> {
        let members = self.view.members.iter().map(|(address, m)| (Arc::clone(address), m.name));
        let ghosts = self.ghosts.iter().map(|g| (g.entry.address.as_str().into(), g.name));
        let promised = self.promises.iter().map(|(address, p)| (Arc::clone(address), p.name));
        let all = members.chain(ghosts).chain(promised);
        all.filter(|(address, _)| *address != self.own.address).collect()
    }

    // ---- Certainty [2c, 7] ----

    /// Until when this node may hold what it owns; 0: it has not joined.
    pub(super) fn certain_until_ms(&self) -> u64 {
        let holds = self.joined && !self.leaving && !self.stepping;
        let Some(registered) = self.registered.as_ref().filter(|_| holds) else {
            return 0;
        };
        let margin_ms = ms(self.timing.margin());
        let leased_ms = registered.short_ms + registered.short_ttl_ms;
        // A node whose record has ended is known to nobody who joins.
        let long_ms = (registered.long_ms + registered.long_ttl_ms).saturating_sub(margin_ms);
        let leased_ms = leased_ms.saturating_sub(margin_ms).min(long_ms);
        leased_ms.max(self.vouched_until_ms(registered))
    }

    /// When the short lease can't be relied on any more.
    pub(super) fn leased_until_ms(&self) -> u64 {
        let margin_ms = ms(self.timing.margin());
        self.registered.as_ref().map_or(0, |registered| {
            (registered.short_ms + registered.short_ttl_ms).saturating_sub(margin_ms)
        })
    }

    fn vouched_until_ms(&self, registered: &Registered) -> u64 {
        let margin_ms = ms(self.timing.margin());
        let lasts_ms = ms(self.timing.promise()).saturating_sub(margin_ms);
        let mut long_ms = (registered.long_ms + registered.long_ttl_ms).saturating_sub(margin_ms);
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

    /// `address` vouches under `name`, asked at `asked_ms`.
    pub(super) fn vouched_by(&mut self, address: &str, name: Name, asked_ms: u64) {
        let vouch = self.vouches.entry(address.into()).or_insert(Vouch { name, asked_ms });
        if vouch.name != name || vouch.asked_ms < asked_ms {
            *vouch = Vouch { name, asked_ms };
        }
    }

    /// Vouches for the registration at `address`, if this node's view has it. Answers
    /// this node's own name, under which it does.
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
        // A name says nothing in a registry that was restored.
        if own == 0 || self.leaving || cluster != self.view.cluster {
            return None;
        }
        let until_ms = now_ms + ms(self.timing.promise());
        let promise = Promise { name, weight: member.entry.weight, until_ms };
        self.promises.insert(Arc::clone(address), promise);
        Some(own)
    }

    /// Drops promises that are over.
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

    /// The registry has answered that the lease of this ghost does not exist.
    pub(super) fn is_gone(&mut self, ghost: &Member) {
        self.ghosts.retain(|known| known != ghost);
    }

    // ---- Joining (rule 3) ----

    /// Why this node does not ack the joiner at `address` yet, which describes itself as
    /// `asker`; `None`: it does.
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
            // Not by the name alone, which an etcd that was emptied may give again.
            Some("it has not seen the registration")
        } else if self.view.revision < revision || self.settled < self.view.revision {
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

    /// All members have acked the registration `name` for the view at `revision`. Answers
    /// whether these are this node's still.
    pub(super) fn join(&mut self, name: Name, revision: i64) -> bool {
        // 1. A message tells this node that its entry is gone, and it stops. 2. Nobody minds
        // acks to a node without a registration. 3. It registers anew: those acks must
        // not count.
        let is_same = name != 0 && self.name() == name && self.view.revision == revision;
        self.joined |= is_same && !self.leaving;
        is_same
    }

    /// The members to be asked for an ack.
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
