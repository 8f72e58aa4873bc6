//! All steps from a state, and what follows from each at once.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::N;
use crate::scope::Scope;
use crate::state::{ClusterKey, Node, State};

/// Finds the steps from one state.
pub(crate) struct Steps<'a, F> {
    pub(crate) now: &'a State,
    pub(crate) scope: &'a Scope,
    /// Who has joined and owns the key before the step.
    owned: [bool; N],
    found: F,
}

impl<'a, F: FnMut(Act, State)> Steps<'a, F> {
    pub(crate) fn from(now: &'a State, scope: &'a Scope, found: F) -> Self {
        let owned = std::array::from_fn(|at| now.is_joined_owner(scope, at));
        Self { now, scope, owned, found }
    }

    /// Calls `found` with each step and the state after it.
    pub(crate) fn find(&mut self) {
        for at in 0..N {
            self.leases_of(at);
            self.leases_end(at);
            self.comes_or_goes(at);
            self.sees(at);
            self.joins(at);
            self.writes_key(at);
            if self.scope.vouching {
                self.vouches(at);
            }
        }
        self.etcd();
        if self.scope.changes > 0 {
            self.client();
            for at in 0..N {
                self.changes_at(at);
                self.loads_at(at);
                if self.scope.copies {
                    self.copies_at(at);
                }
                if self.scope.inheritance {
                    self.inherits(at);
                }
            }
        }
    }

    pub(crate) fn go(&mut self, act: Act, change: impl FnOnce(&mut State)) {
        let mut next = *self.now;
        change(&mut next);
        next.follow(&self.owned, self.scope);
        (self.found)(act, next);
    }
}

impl State {
    /// What follows from a step, and one form for states that do not differ in what may
    /// happen.
    fn follow(&mut self, owned: &[bool; N], scope: &Scope) {
        if !scope.fine {
            self.learn_at_once(scope);
        }
        for (at, was) in owned.iter().enumerate() {
            let owns = self.owns(scope, at);
            let is = owns && self.nodes[at].joined;
            if !is {
                self.drop_lost(scope, at);
            }
            if is && !was {
                self.gain(scope, at);
            }
            let node = &mut self.nodes[at];
            let forgets = scope.breaks(Flaw::HeirForgetsChangesFromBefore) && !owns;
            node.owner_throughout &= owns && scope.inheritance;
            node.changed &= scope.inheritance && !forgets;
        }
        self.forget_old_views();
        self.forget_losses();
        if !scope.has_records() {
            self.records = [0; N];
            self.nodes.iter_mut().for_each(|node| node.long = false);
        }
    }

    /// In coarse scopes a node learns at once what it may learn at any time.
    fn learn_at_once(&mut self, scope: &Scope) {
        for at in 0..N {
            let Node { ghosts, promised, .. } = self.nodes[at];
            if ghosts != [0; N] {
                for (of, ghost) in ghosts.into_iter().enumerate() {
                    if self.knows_gone(scope, at, of, ghost) {
                        self.nodes[at].ghosts[of] = 0;
                    }
                }
            }
            if promised != [0; N] {
                for (of, name) in promised.into_iter().enumerate() {
                    if !self.nodes[of].relies_on(at, name) {
                        self.nodes[at].promised[of] = 0;
                    }
                }
            }
        }
    }

    /// It does not own the key any more, or has not joined: entry and flight go (rule 2).
    fn drop_lost(&mut self, scope: &Scope, at: usize) {
        let node = &mut self.nodes[at];
        if !scope.breaks(Flaw::EntrySurvivesLoss) {
            node.held = 0;
        }
        if !scope.breaks(Flaw::FlightSurvivesLoss) && !scope.loads_early() {
            node.flight = 0;
        }
    }

    /// It has gained the key, which counts as a change [2, 6].
    fn gain(&mut self, scope: &Scope, at: usize) {
        let node = &mut self.nodes[at];
        (node.left, node.left_to) = (0, (0, 0));
        if scope.has_fence() && !scope.breaks(Flaw::FenceIgnoresGains) {
            self.sets.retain(|set| usize::from(set.to) != at);
        }
    }

    fn forget_old_views(&mut self) {
        let registered = self.nodes.iter().filter(|node| node.name != 0);
        let oldest = registered.map(|node| usize::from(node.view)).min();
        let oldest = oldest.unwrap_or(self.history.len() - 1);
        if oldest == 0 {
            return;
        }
        self.history.drop_first(oldest);
        self.swapped.drop_first(oldest);
        for node in self.nodes.iter_mut().filter(|node| node.name != 0) {
            node.view -= oldest as u8;
        }
    }

    /// Once no former node is left, nothing depends on what etcd has lost.
    fn forget_losses(&mut self) {
        if self.lost == [0; N] {
            return;
        }
        let is_left = (0..N).any(|at| {
            let node = &self.nodes[at];
            let (lender, lent_as) = node.copy_of;
            self.is_former(at, node.name) || self.is_former(lender.into(), lent_as)
        });
        if !is_left {
            (self.lost, self.key) = ([0; N], ClusterKey::PresentId);
        }
    }
}
