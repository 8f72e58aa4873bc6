//! Rule 10: copies of hot keys.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::N;
use crate::scope::Scope;
use crate::state::State;
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn copies_at(&mut self, at: usize) {
        let now = self.now;
        let node = now.nodes[at];
        if now.holds(self.scope, at) && node.held != 0 {
            for to in (0..N).filter(|to| *to != at && now.nodes[*to].copy == 0) {
                self.go(Act::Lends { by: at, to }, |next| {
                    let borrower = &mut next.nodes[to];
                    (borrower.copy, borrower.copy_of) = (node.held, (at as u8, node.name));
                });
            }
        }
        if node.copy != 0 {
            self.go(Act::CopyEnds(at), |next| {
                (next.nodes[at].copy, next.nodes[at].copy_of) = (0, (0, 0));
            });
        }
    }
}

impl State {
    /// Whether somebody has a copy that this registration lent.
    pub(crate) fn has_lent(&self, at: usize, name: u8) -> bool {
        self.nodes.iter().any(|other| other.copy != 0 && other.copy_of == (at as u8, name))
    }

    /// Whether somebody has a copy that an earlier registration at this address lent, in
    /// the etcd that there is now.
    pub(crate) fn lent_before(&self, at: usize) -> bool {
        self.nodes.iter().any(|other| {
            let (lender, name) = other.copy_of;
            other.copy != 0 && usize::from(lender) == at && !self.is_former(at, name)
        })
    }

    /// Whether copies keep a change at `at` from being confirmed.
    pub(crate) fn waits_for_copies(&self, scope: &Scope, at: usize) -> bool {
        self.has_lent(at, self.nodes[at].name) && !scope.breaks(Flaw::ChangeDoesNotWaitForCopies)
    }

    /// A copy ends before the certainty of the lender, and that before its lease: so the
    /// lease does not end while somebody has a copy.
    pub(crate) fn copies_outlast_lease(&self, scope: &Scope, at: usize, name: u8) -> bool {
        let left = scope.breaks(Flaw::LeavesWithCopies) && self.nodes[at].name != name;
        self.has_lent(at, name) && !scope.breaks(Flaw::CopiesOutliveCertainty) && !left
    }
}
