//! Rule 3: when a new member may hold.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, bit, first_of};
use crate::scope::Scope;
use crate::state::{ClusterKey, State};
use crate::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn joins(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[at];
        if scope.breaks(Flaw::ReadsBeforeRegistering) && node.name == 0 {
            self.reads_before_registering(at);
        }
        if node.name == 0 || node.joined {
            return;
        }
        for by in (0..N).filter(|by| node.earlier & bit(*by) != 0 && now.acks(scope, *by, at)) {
            let vetted = node.vetted || now.nodes[by].joined;
            if node.acks & bit(by) != 0 && node.vetted == vetted {
                continue;
            }
            self.go(Act::Acks { by, of: at }, |next| {
                next.nodes[at].acks |= bit(by);
                next.nodes[at].vetted = vetted;
            });
        }
        if scope.early_reads && !node.checked && now.reads_that_nobody_holds(scope, at) {
            self.go(Act::ReadsRecords(at), |next| next.nodes[at].checked = true);
        }
        if now.may_join(scope, at) {
            self.go(Act::Joins(at), |next| {
                let node = &mut next.nodes[at];
                node.joined = true;
                (node.earlier, node.acks, node.vetted) = (0, 0, false);
                node.checked &= scope.breaks(Flaw::ReadOutlivesItsRegistration);
            });
        }
    }

    fn reads_before_registering(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let key = now.key == ClusterKey::PresentId;
        if key && !now.nodes[at].checked && now.records_are_accounted_for(scope, at) {
            self.go(Act::ReadsRecords(at), |next| next.nodes[at].checked = true);
        }
    }

    /// The key `cluster` is written in a transaction that compares the writer's entry: so
    /// whoever wrote it has joined in the etcd that has it.
    pub(crate) fn writes_key(&mut self, at: usize) {
        let (now, scope) = (self.now, self.scope);
        let (node, entry) = (now.nodes[at], now.entries()[at]);
        let joined = node.joined || scope.breaks(Flaw::KeyIsWrittenBeforeJoining);
        if node.name == 0 || !joined || now.key == ClusterKey::PresentId {
            return;
        }
        let is_restored = now.is_former(at, node.name) && entry != 0;
        let written = match scope.flaw {
            // A wiped etcd may have the same id.
            Some(Flaw::KeyIsWrittenUnconditionally) if now.spent.restores == 0 => true,
            Some(Flaw::KeyTakesTheIdOfTheAnswer) if is_restored => true,
            _ => entry == node.name,
        };
        if written {
            self.go(Act::KeyIsWritten(at), |next| next.key = ClusterKey::PresentId);
        }
    }
}

impl State {
    /// Whether `by` acks the joiner `of`.
    fn acks(&self, scope: &Scope, by: usize, of: usize) -> bool {
        let (asker, node) = (&self.nodes[of], &self.nodes[by]);
        // Whoever is registered at the address speaks for who was there.
        let is_asked = node.name != 0 && self.view(of)[by] != 0 && by != of;
        if self.is_former(by, node.name) && !self.is_former(of, asker.name) {
            // Its view may have that address under the same revision.
            return scope.breaks(Flaw::AcksOfAFormerClusterCount)
                && is_asked
                && self.view(by)[of] != 0;
        }
        let has_seen = node.view >= asker.view
            || scope.breaks(Flaw::AcksBeforeSeeing)
            || scope.breaks(Flaw::AcksFromAnOlderView);
        if !is_asked || !has_seen {
            return false;
        }
        let view = self.view(by);
        if view[of] != asker.name
            && !scope.breaks(Flaw::AcksOutsideItsView)
            && !scope.breaks(Flaw::AcksBeforeSeeing)
        {
            return false;
        }
        if self.has_lent(by, node.name) && !scope.breaks(Flaw::AcksWithCopies) {
            return false;
        }
        let ghosts = node.ghosts != [0; N] && !scope.breaks(Flaw::AcksWithGhosts);
        let promised = (0..N).any(|of| node.promised[of] != 0 && node.promised[of] != view[of]);
        !ghosts && (!promised || scope.breaks(Flaw::AcksWithPromises))
    }

    fn may_join(&self, scope: &Scope, at: usize) -> bool {
        let node = &self.nodes[at];
        let others = node.earlier;
        let missing = (others & !node.acks).count_ones();
        match scope.flaw {
            Some(Flaw::JoinsWithoutAcks) => return true,
            Some(Flaw::KeyReplacesAcks) if self.key == ClusterKey::PresentId => {}
            Some(Flaw::JoinsWithOneAckMissing) if missing == 1 && others.count_ones() == 2 => {}
            Some(Flaw::JoinsWithAckOfPreviousOwner) => match first_of(others, false) {
                Some(previous) if node.acks & bit(previous) == 0 => return false,
                _ => {}
            },
            _ if missing > 0 => return false,
            _ => {}
        }
        node.vetted || node.checked || self.reads_that_nobody_holds(scope, at)
    }

    /// What `at` reads, after it registered, shows that nobody holds whom it has not asked
    /// for an ack.
    fn reads_that_nobody_holds(&self, scope: &Scope, at: usize) -> bool {
        let shows_entry = self.entries()[at] == self.nodes[at].name
            || scope.breaks(Flaw::ReadDoesNotShowItsEntry);
        shows_entry && self.no_former_holds(scope, at) && self.records_are_accounted_for(scope, at)
    }

    /// No lease of before etcd lost something lasts: T has passed since the joiner
    /// registered, or since somebody did who wrote the key.
    fn no_former_holds(&self, scope: &Scope, at: usize) -> bool {
        let key = match self.key {
            ClusterKey::Absent => false,
            ClusterKey::FormerId => scope.breaks(Flaw::KeyOfAFormerIdIsBelieved),
            ClusterKey::PresentId => true,
        };
        // For a former joiner that time may have passed before the loss.
        let is_former = self.is_former(at, self.nodes[at].name);
        let waits = !is_former && !scope.breaks(Flaw::FirstJoinerDoesNotWait);
        key || !waits || !self.former_may_hold(scope)
    }

    /// Time is abstract: a wait of T is over when the certainties of former nodes and the
    /// copies that they lent are, and by A7 their vouches as well.
    fn former_may_hold(&self, scope: &Scope) -> bool {
        let vouched = scope.vouching && !scope.breaks(Flaw::VouchedAcrossALoss);
        (0..N).any(|of| {
            let node = &self.nodes[of];
            let (lender, lent_as) = node.copy_of;
            let may_hold = node.certain || vouched && node.long;
            may_hold && self.is_former(of, node.name) || self.is_former(lender.into(), lent_as)
        })
    }

    /// Each record of another address is of a member that has acked or need not, or the
    /// process there does not have that name any more.
    fn records_are_accounted_for(&self, scope: &Scope, at: usize) -> bool {
        let is_ignored = scope.breaks(Flaw::FirstJoinerIgnoresRecords)
            || scope.breaks(Flaw::KeyReplacesRecords) && self.key == ClusterKey::PresentId;
        let (node, view) = (&self.nodes[at], self.view(at));
        is_ignored
            || !scope.has_records()
            || (0..N).filter(|of| *of != at).all(|of| {
                let record = self.records[of];
                let acked = (node.earlier & !node.acks) & bit(of) == 0
                    || scope.breaks(Flaw::MembersCountBeforeTheyAck);
                let waits = self.has_lent(of, record) && !scope.breaks(Flaw::AnswersWithCopies);
                let is_over = self.nodes[of].name != record && !waits;
                record == 0 || is_over || view[of] == record && acked
            })
    }
}
