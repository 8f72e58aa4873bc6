//! Rule 1, leases: what a node knows of its own, and what etcd does with them.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::state::State;
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    /// What the node at `at` knows of its leases.
    pub(crate) fn leases_of(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        if node.name == 0 {
            return;
        }
        let recorded = now.records[at] == node.name || !scope.has_records();
        let leased = now.lease_exists(at, node.name) && recorded;
        // Elsewhere it ends with the lease.
        if node.certain && (scope.fine || now.is_former(at, node.name)) {
            self.go(Act::CertaintyEnds(at), |next| next.nodes[at].certain = false);
        }
        if scope.has_records() && node.long && (!node.certain || scope.fine) {
            self.go(Act::LongCertaintyEnds(at), |next| next.nodes[at].long = false);
        }
        let late = scope.breaks(Flaw::CertaintyCountsFromTheAnswer);
        if leased && !(node.certain && (node.long || !scope.has_records()) && node.late == late) {
            self.go(Act::KeepAliveIsAnswered(at), |next| {
                let node = &mut next.nodes[at];
                (node.certain, node.long) = (true, true);
                node.late = late;
            });
        }
        if node.late {
            self.go(Act::LateAnswerArrives(at), |next| {
                (next.nodes[at].certain, next.nodes[at].late) = (true, false);
            });
        }
        if !leased {
            self.go(Act::FindsItsLeaseGone(at), |next| next.stop(scope, at));
        }
    }

    /// How the leases of the address `at` end in etcd.
    pub(crate) fn leases_end(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        let entry = now.entries()[at];
        for name in (1..=now.named[at]).filter(|name| now.lease_exists(at, *name)) {
            let may_hold = node.name == name && node.certain;
            if !now.copies_outlast_lease(scope, at, name)
                && (!may_hold || !scope.fine)
                && (entry != name || self.has_room())
            {
                self.go(Act::LeaseExpires { at, name }, |next| {
                    let node = &mut next.nodes[at];
                    node.late |= may_hold && scope.breaks(Flaw::CertaintyCountsFromTheAnswer);
                    node.certain &= !may_hold;
                    next.end_lease(at, name);
                });
            }
            let revokes = scope.breaks(Flaw::RevokesBeforeStopping);
            if revokes && may_hold && now.spent.leaves < scope.leaves && self.has_room() {
                self.go(Act::RevokesBeforeStopping(at), |next| {
                    next.spent.leaves += 1;
                    next.end_lease(at, name);
                });
            }
        }
        let record = now.records[at];
        let may_hold = node.name == record && node.long;
        let ends_first = scope.deletes > 0 && !scope.fine;
        let may_expire = (!may_hold || ends_first) && !now.copies_outlast_lease(scope, at, record);
        if scope.has_records() && record != 0 && may_expire {
            self.go(Act::RecordExpires(at), |next| {
                next.nodes[at].long &= !may_hold;
                next.records[at] = 0;
            });
        }
    }
}
