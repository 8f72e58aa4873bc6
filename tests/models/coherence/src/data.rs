//! Rules 5, 6 and 8: loads, changes of the key, and clears.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, bit, members};
use crate::scope::Scope;
use crate::state::{Kind, Set, State, UNREAD};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    /// The client changes the source, then asks for the change, and may give it up.
    pub(crate) fn client(&mut self) {
        let (now, scope) = (self.now, self.scope);
        if now.active == 0 && now.source <= scope.changes {
            let version = now.source + 1;
            for kind in scope.kinds.iter().copied() {
                self.go(Act::ChangeBegins { kind, version }, |next| {
                    (next.source, next.active, next.kind) = (version, version, kind);
                });
            }
        }
        if now.active != 0 {
            self.go(Act::ChangeIsGivenUp, |next| next.end_change(false));
        }
    }

    pub(crate) fn changes_at(&mut self, at: usize) {
        let now = self.now;
        match now.kind {
            _ if now.active == 0 => {}
            Kind::Remove => self.removes(at),
            Kind::Set => self.sends_set(at),
            Kind::Clear(by) => self.clears(at, usize::from(by) == at),
        }
        if now.holds(self.scope, at) {
            self.sets_arrive(at);
        }
    }

    fn removes(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let holds = now.holds(scope, at);
        if scope.breaks(Flaw::RightIsCheckedBeforeTheDrop) {
            if holds {
                self.go(Act::LooksAtItsRight(at), |next| next.nodes[at].looked = true);
            }
            if now.nodes[at].looked {
                self.go(Act::Removes(at), |next| {
                    next.change(scope, at, 0);
                    next.end_change(true);
                });
            }
            return;
        }
        if scope.inheritance {
            return self.drops_and_confirms_later(at);
        }
        let confirms = holds && !now.waits_for_copies(scope, at)
            || scope.breaks(Flaw::ChangeAnywhereIsConfirmed);
        self.go(Act::Removes(at), |next| {
            next.change(scope, at, 0);
            if confirms {
                next.end_change(true);
            }
        });
    }

    /// Copies may have to end in between, and meanwhile the node may register, and inherit.
    fn drops_and_confirms_later(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        if node.dropped != node.name + 1 || node.held != 0 || node.flight != 0 || node.left != 0 {
            self.go(Act::Removes(at), |next| {
                next.change(scope, at, 0);
                next.nodes[at].dropped = node.name + 1;
            });
        }
        let is_of_its_name =
            node.dropped == node.name + 1 || scope.breaks(Flaw::ConfirmsUnderANewName);
        if node.dropped != 0 && is_of_its_name && now.holds(scope, at) {
            self.go(Act::RemoveIsConfirmed(at), |next| next.end_change(true));
        }
    }

    /// A set that is sent to a node that is no owner is refused there, or will have to
    /// be: the number that it carries is of one time as owner.
    fn sends_set(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let set = Set { to: at as u8, version: now.active };
        let is_new = now.sets.len() < 2 && !now.sets.contains(&set);
        if is_new && now.is_joined_owner(scope, at) {
            self.go(Act::SetIsSent { to: at }, |next| {
                next.sets.push(set);
                next.sets.sort();
            });
        }
    }

    fn sets_arrive(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let waits = now.waits_for_copies(scope, at);
        for set in now.sets.iter().filter(|set| usize::from(set.to) == at) {
            let version = set.version;
            self.go(Act::SetArrives { at, version }, |next| {
                next.change(scope, at, version);
                if scope.breaks(Flaw::SetsHaveIdsOnly) {
                    next.sets.retain(|other| other != set);
                }
                if next.active == version && !waits {
                    next.end_change(true);
                }
            });
        }
    }

    fn clears(&mut self, at: usize, is_made_here: bool) {
        let (now, scope) = (self.now, self.scope);
        let name = now.nodes[at].name;
        if name != 0 && now.cleared[at] != name {
            let waits = now.waits_for_copies(scope, at);
            self.go(Act::Clears(at), |next| {
                next.change(scope, at, 0);
                if !waits {
                    next.cleared[at] = name;
                }
            });
        }
        if is_made_here && now.may_end_clear(scope, at) {
            self.go(Act::ClearIsConfirmed(at), |next| next.end_change(true));
        }
    }

    /// Only loads that are shared or kept matter; each other one reads after its get began.
    pub(crate) fn loads_at(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        let holds = now.holds(scope, at);
        let may_load = holds || scope.loads_early() && now.owns(scope, at);
        if may_load && node.held == 0 && node.flight == 0 {
            self.go(Act::LoadBegins(at), |next| next.nodes[at].flight = UNREAD);
        }
        if node.flight == UNREAD {
            self.go(Act::LoadReads(at), |next| next.nodes[at].flight = next.source);
        } else if node.flight != 0 {
            self.go(Act::LoadEnds(at), |next| {
                next.nodes[at].flight = 0;
                let kept =
                    !scope.breaks(Flaw::OwnerSharesLoadsBeforeItHolds) || next.nodes[at].joined;
                if holds && kept {
                    next.nodes[at].held = node.flight;
                }
            });
        }
    }
}

impl State {
    /// A change reaches a node; `version` 0 removes the key (rule 6).
    fn change(&mut self, scope: &Scope, at: usize, version: u8) {
        let node = &mut self.nodes[at];
        node.held = version;
        if !scope.breaks(Flaw::FlightSurvivesChanges) {
            node.flight = 0;
        }
        (node.looked, node.left, node.left_to) = (false, 0, (0, 0));
        node.changed = scope.inheritance;
        if scope.has_fence() {
            self.sets.retain(|set| usize::from(set.to) != at);
        }
    }

    fn end_change(&mut self, confirmed: bool) {
        if confirmed {
            self.floor = self.floor.max(self.active);
        }
        (self.active, self.kind, self.cleared) = (0, Kind::Remove, [0; N]);
        self.nodes.iter_mut().for_each(|node| (node.looked, node.dropped) = (false, 0));
    }

    /// Whether a clear that is made at `at` is confirmed (rule 8).
    fn may_end_clear(&self, scope: &Scope, at: usize) -> bool {
        let (node, view) = (&self.nodes[at], self.view(at));
        let counts = node.name != 0
            && (node.joined || scope.breaks(Flaw::UnjoinedClears))
            && (self.is_certain(scope, at) || scope.breaks(Flaw::UncertainClears));
        let asked = match scope.flaw {
            Some(Flaw::ClearAsksMembersOnly) => members(&view),
            _ => self.ring(scope, at),
        };
        counts
            && (0..N).filter(|of| asked & bit(*of) != 0).all(|of| {
                let names = [view[of], node.promised[of], node.ghosts[of]];
                Some(self.cleared[of]) == names.into_iter().find(|name| *name != 0)
            })
    }
}
