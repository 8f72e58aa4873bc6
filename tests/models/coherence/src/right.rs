//! Rule 2: who may hold the key.

use crate::flaw::Flaw;
use crate::names::{N, bit, first_of, members};
use crate::scope::Scope;
use crate::state::State;

impl State {
    /// The ring that a node acts on: its view, its ghosts, and those it has promised to.
    pub(crate) fn ring(&self, scope: &Scope, at: usize) -> u8 {
        let node = &self.nodes[at];
        let mut others = 0;
        if node.promised != [0; N] && !scope.breaks(Flaw::KeepsNoPromises) {
            others |= members(&node.promised);
        }
        if node.ghosts != [0; N] && !scope.breaks(Flaw::KeepsNoGhosts) {
            others |= members(&node.ghosts);
        }
        members(&self.view(at)) | others & !bit(at)
    }

    /// Whether it is the owner in its ring [2b].
    pub(crate) fn owns(&self, scope: &Scope, at: usize) -> bool {
        let node = &self.nodes[at];
        if node.name == 0 {
            return false;
        }
        first_of(self.ring(scope, at), self.swapped[usize::from(node.view)]) == Some(at)
    }

    /// Whether it is certain by its leases, or vouched for [2c, 7].
    pub(crate) fn is_certain(&self, scope: &Scope, at: usize) -> bool {
        let node = &self.nodes[at];
        if scope.breaks(Flaw::HoldsWithoutCertainty) {
            return true;
        }
        let long = node.long || !scope.has_records();
        if node.certain && (long || scope.breaks(Flaw::ShortLeaseSuffices)) {
            return true;
        }
        if !scope.vouching || !long && !scope.breaks(Flaw::VouchedBeyondTheLongLease) {
            return false;
        }
        let others = members(&self.view(at)) & !bit(at);
        let missing = (others & !node.vouched).count_ones();
        missing == 0
            || scope.breaks(Flaw::OneVouchIsMissing) && missing == 1 && others.count_ones() == 2
    }

    /// It has joined, and owns the key [2a, 2b].
    pub(crate) fn is_joined_owner(&self, scope: &Scope, at: usize) -> bool {
        self.nodes[at].joined && self.owns(scope, at)
    }

    /// Rule 2.
    pub(crate) fn holds(&self, scope: &Scope, at: usize) -> bool {
        self.is_joined_owner(scope, at) && self.is_certain(scope, at)
    }
}
