//! All steps from a state, and what follows from one at once.

use super::act::Act;
use super::flaw::Flaw;
use super::scope::Scope;
use super::state::{Call, Doing, LONG, N, NOBODY, Reading, Stage, State};

/// Finds the steps from one state.
pub(crate) struct Steps<'a, F> {
    pub(crate) now: &'a State,
    pub(crate) scope: &'a Scope,
    found: F,
}

impl<'a, F: FnMut(Act, State)> Steps<'a, F> {
    pub(crate) fn from(now: &'a State, scope: &'a Scope, found: F) -> Self {
        Self { now, scope, found }
    }

    pub(crate) fn go(&mut self, act: Act, change: impl FnOnce(&mut State)) {
        let mut next = *self.now;
        change(&mut next);
        next.follow(self.scope);
        (self.found)(act, next);
    }

    /// Who holds the key, and which processes there are: the other model has the rules.
    pub(crate) fn cluster(&mut self) {
        let (now, scope) = (self.now, self.scope);
        if now.moves < scope.moves {
            for to in (0..NOBODY).filter(|to| *to != now.holder) {
                self.go(Act::KeyMoves { to }, |next| {
                    (next.holder, next.held, next.moves) = (to, 0, now.moves + 1);
                    if !scope.breaks(Flaw::GainIsNoChange) {
                        next.key_changes(scope, to);
                    }
                });
            }
        }
        if now.restarts < scope.restarts {
            for at in 0..NOBODY {
                self.go(Act::Restarts(at), |next| next.restart(scope, at));
            }
        }
    }
}

impl State {
    /// What carries an older version of `owner` is refused from now on. A node that has not sent
    /// its set yet reads the version again.
    pub(crate) fn key_changes(&mut self, scope: &Scope, owner: u8) {
        if scope.breaks(Flaw::OwnerIgnoresVersions) {
            return;
        }
        self.orders.retain(|order| order.owner != owner || order.former);
        self.versions_end(|of| of == owner);
    }

    /// What a node has read of some owners is an older version now.
    fn versions_end(&mut self, is_of: impl Fn(u8) -> bool) {
        for call in self.calls.iter_mut() {
            if call.stage == Stage::Versioned && is_of(call.owner) {
                (call.stage, call.owner) = (Stage::Begun, NOBODY);
            }
        }
    }

    /// Another process takes the address. It knows nothing of the one before, and its clock
    /// begins anew.
    fn restart(&mut self, scope: &Scope, at: u8) {
        self.restarts += 1;
        self.calls.retain(|call| call.at != at);
        // Numbers of two processes can't be compared.
        match scope.breaks(Flaw::VersionOutlivesTheProcess) {
            true => self.orders.iter_mut().for_each(|order| order.former |= order.owner == at),
            false => self.key_changes(scope, at),
        }
        if self.holder == at {
            (self.holder, self.held) = (NOBODY, 0);
        }
        let before = *self;
        self.connection_breaks(scope, at);
        if scope.breaks(Flaw::ClockOfAnotherProcessCounts) {
            // The clock before had run for long.
            let reading = before.nodes[usize::from(at)].reading;
            let reading = reading.map(|reading| Reading { since: -LONG, ..reading });
            self.nodes[usize::from(at)].reading = reading;
            // The set goes to the new process.
            if (before.client.asks, before.client.doing) == (at, Doing::Computes) {
                self.client = before.client;
            }
        }
    }

    /// What follows at once, and one form for states that do not differ in what may happen.
    fn follow(&mut self, scope: &Scope) {
        self.client_follows();
        self.forget_readings(scope);
        let looks =
            !scope.breaks(Flaw::NodeIgnoresTheTime) && !scope.breaks(Flaw::TimeIsReadOnlyAtFirst);
        // Nothing more comes of a set whose time is over, but what was sent to the owner.
        let is_over = |call: &Call| looks && call.left == 0 && call.stage != Stage::InTime;
        self.calls.retain(|call| call.awaited || !is_over(call));
        if !scope.forgets_changes() {
            // A node that gains the key refuses what was sent to it before.
            let holder = self.holder;
            self.orders.retain(|order| order.owner == holder);
            self.versions_end(|owner| owner != holder);
        }
        for at in 0..N {
            if !self.is_timed(at) {
                self.nodes[at].ahead = 0;
            }
        }
        self.calls.sort();
        self.orders.sort();
        // Two that are equal do the same.
        self.orders.dedup();
    }
}
