//! Rules 1, 4 and 11: nodes register, see views, crash, stop and leave.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, bit, first_of, members};
use crate::scope::Scope;
use crate::short_vec::ShortVec;
use crate::state::{Node, Push, State};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn comes_or_goes(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        let is_free = node.name == 0 && now.entries()[at] == 0;
        let waits = now.lent_before(at) && !scope.breaks(Flaw::RegistersWithCopies);
        if is_free && !waits && self.has_room() && now.spent.joins < scope.joins {
            self.go(Act::Registers(at), |next| {
                next.spent.joins += 1;
                next.register(scope, at);
            });
        }
        if now.spent.crashes < scope.crashes {
            self.go(Act::Crashes(at), |next| {
                next.spent.crashes += 1;
                next.crash(scope, at);
            });
        }
        let waits = now.has_lent(at, node.name) && !scope.breaks(Flaw::LeavesWithCopies);
        if node.name != 0 && now.spent.leaves < scope.leaves && !waits {
            self.go(Act::Leaves(at), |next| {
                next.spent.leaves += 1;
                next.leave(scope, at);
            });
        }
    }

    /// News of etcd, from itself or from another node.
    pub(crate) fn sees(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        if node.name == 0 {
            return;
        }
        for to in usize::from(node.view) + 1..now.history.len() {
            let view = now.history[to];
            self.go(Act::Sees { at, view }, |next| next.see(scope, at, to));
        }
        for ghost in (0..N).filter(|of| node.ghosts[*of] != 0) {
            if now.knows_gone(scope, at, ghost, node.ghosts[ghost]) {
                self.go(Act::KnowsGone { at, ghost }, |next| next.nodes[at].ghosts[ghost] = 0);
            }
        }
    }
}

impl State {
    /// Whether etcd answers `at` that the lease of a ghost does not exist, and after that
    /// that its own does: an etcd that has lost its data says the former of any lease (rule 4).
    pub(crate) fn knows_gone(&self, scope: &Scope, at: usize, ghost: usize, name: u8) -> bool {
        let own = self.lease_exists(at, self.nodes[at].name);
        // Where etcd loses nothing, any answer is right.
        let believes = own || !scope.has_losses() || scope.breaks(Flaw::GhostEndsWithAnyAnswer);
        believes && !self.lease_exists(ghost, name)
    }

    fn register(&mut self, scope: &Scope, at: usize) {
        let name = self.named[at] + 1;
        self.named[at] = name;
        self.leases[at] |= bit(name.into());
        self.records[at] = name;
        let mut view = self.entries();
        view[at] = name;
        self.push_view(view);
        let last = self.history.len() - 1;
        let node = &mut self.nodes[at];
        (node.name, node.view) = (name, last as u8);
        (node.certain, node.long, node.owner_throughout) = (true, true, true);
        (node.changed, node.heir_of) = (false, (0, 0));
        node.earlier = members(&view) & !bit(at);
        node.joined = scope.breaks(Flaw::JoinsWithoutAcks);
    }

    /// Its memory is gone. A new process is there at once, which need not do anything.
    fn crash(&mut self, scope: &Scope, at: usize) {
        let old = self.nodes[at];
        self.nodes[at] = Node::default();
        if scope.breaks(Flaw::NewProcessTakesTheOldName) {
            let Node { name, view, joined, .. } = old;
            self.nodes[at] = Node { name, view, joined, ..Node::default() };
        }
        if scope.has_fence() {
            self.sets.retain(|set| usize::from(set.to) != at);
        }
    }

    /// It forgets everything, but for what it has borrowed (rule 1).
    pub(crate) fn stop(&mut self, scope: &Scope, at: usize) {
        let Node { copy, copy_of, checked, .. } = self.nodes[at];
        let checked = checked && scope.breaks(Flaw::ReadOutlivesItsRegistration);
        self.nodes[at] = Node { copy, copy_of, checked, ..Node::default() };
    }

    /// It stops, then revokes its leases, and pushes what it held to its heir [9, 11].
    fn leave(&mut self, scope: &Scope, at: usize) {
        let node = self.nodes[at];
        let heir = first_of(members(&self.view(at)) & !bit(at), false);
        let gives = scope.inheritance && node.held != 0 && self.is_joined_owner(scope, at);
        if let (true, Some(heir)) = (gives, heir) {
            let from = (at as u8, node.name);
            self.pushes.push(Push { to: heir as u8, from, version: node.held });
            self.pushes.sort();
        }
        self.stop(scope, at);
        // Its short lease may end at any time now.
        self.records[at] = 0;
    }

    fn see(&mut self, scope: &Scope, at: usize, to: usize) {
        let (old, new) = (self.view(at), self.history[to]);
        let gives = scope.inheritance && self.is_joined_owner(scope, at);
        self.nodes[at].view = to as u8;
        if new[at] != self.nodes[at].name && !scope.breaks(Flaw::GoesOnAfterItsRemoval) {
            return self.stop(scope, at);
        }
        let node = &mut self.nodes[at];
        let gone = (0..N).filter(|of| old[*of] != new[*of]).fold(0, |all, of| all | bit(of));
        // Those who acked may vouch for the one that went.
        if node.earlier & gone != 0 && !scope.breaks(Flaw::KeepsAcksWhenOneWent) {
            (node.acks, node.vetted) = (0, false);
        }
        node.earlier &= !gone;
        let mut came = ShortVec::<(u8, u8), N>::new();
        let mut went = ShortVec::<(u8, u8), N>::new();
        for of in (0..N).filter(|of| *of != at && old[*of] != new[*of]) {
            if old[of] != 0 {
                node.ghosts[of] = old[of];
                if !scope.breaks(Flaw::VouchOfAFormerNameCounts) {
                    node.vouched &= !bit(of);
                }
            }
            if of < at {
                if new[of] != 0 {
                    came.push((of as u8, new[of]));
                }
                if old[of] != 0 {
                    went.push((of as u8, old[of]));
                }
            }
        }
        if scope.inheritance {
            node.pass_on(scope, gives, &came, &went);
        }
    }
}
