//! Rule 9: a new owner takes over what another one held.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::N;
use crate::scope::Scope;
use crate::state::{Node, State};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn inherits(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        let unchanged = !node.changed || scope.breaks(Flaw::HeirIgnoresChanges);
        if !now.holds(scope, at) || node.held != 0 || !unchanged {
            return;
        }
        let own = (at as u8, node.name);
        let throughout = node.owner_throughout || scope.breaks(Flaw::HeirWasNotOwnerThroughout);
        for from in (0..N).filter(|from| *from != at) {
            let giver = now.nodes[from];
            let is_meant = giver.left_to == own || scope.breaks(Flaw::GiverIgnoresWhoTookIt);
            if giver.left != 0 && throughout && is_meant {
                self.go(Act::Inherits { at, from }, |next| next.nodes[at].held = giver.left);
            }
        }
        for push in now.pushes.iter().filter(|push| usize::from(push.to) == at) {
            if push.from == node.heir_of || scope.breaks(Flaw::HeirIgnoresWhoElseWent) {
                let from = push.from.0.into();
                self.go(Act::PushArrives { at, from }, |next| {
                    next.nodes[at].held = push.version;
                });
            }
        }
    }
}

impl Node {
    /// Its view has changed, and of those that precede it some came and some went.
    pub(crate) fn pass_on(
        &mut self,
        scope: &Scope,
        gives: bool,
        came: &[(u8, u8)],
        went: &[(u8, u8)],
    ) {
        if gives && self.held != 0 && !came.is_empty() {
            (self.left, self.left_to) = (self.held, (0, 0));
            if let ([one], []) = (came, went) {
                self.left_to = *one;
            }
            if scope.breaks(Flaw::GiverIgnoresHowManyCame) {
                self.left_to = came[0];
            }
        }
        self.heir_of = match (came, went) {
            ([], [one]) => *one,
            ([], []) => self.heir_of,
            _ => (0, 0),
        };
    }
}
