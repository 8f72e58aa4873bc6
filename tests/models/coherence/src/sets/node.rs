//! A node that makes a set, as `host/server/deadline.rs` and `host/group/write.rs` have it, and
//! the owner. A node that is paused takes no step.

use super::act::Act;
use super::flaw::Flaw;
use super::scope::Scope;
use super::state::{Call, Doing, NOBODY, Order, Stage, State};
use super::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn nodes(&mut self) {
        for nth in 0..self.now.calls.len() {
            self.makes(nth);
            if self.now.calls[nth].awaited {
                self.answers_that_it_failed(nth);
                self.ends_the_stream(nth);
            }
        }
    }

    /// The version is read first, and then the time; each try reads both again.
    fn makes(&mut self, nth: usize) {
        let (now, scope) = (self.now, self.scope);
        let Call { at, change, left, stage, .. } = now.calls[nth];
        let ignores = scope.breaks(Flaw::NodeIgnoresTheTime);
        match stage {
            Stage::Unread => {
                if left > 0 || ignores || scope.breaks(Flaw::TimeIsNotReadAtFirst) {
                    self.go(Act::Begins { at, change }, |next| {
                        next.calls[nth].stage = Stage::Begun;
                    });
                }
            }
            Stage::Begun if scope.breaks(Flaw::TimeIsReadBeforeTheVersion) => {
                if left > 0 {
                    self.go(Act::ReadsTheTime { at, change }, |next| {
                        next.calls[nth].stage = Stage::InTime;
                    });
                }
            }
            // The node may believe that any node is the owner. From one that does not hold the
            // key nothing comes.
            Stage::Begun | Stage::InTime => {
                let is_owner = |at: &u8| *at == now.holder || scope.forgets_changes();
                for owner in (0..NOBODY).filter(is_owner) {
                    self.go(Act::ReadsTheVersion { at, change, owner }, |next| {
                        next.calls[nth].owner = owner;
                        match stage {
                            Stage::InTime => next.send(nth),
                            _ => next.calls[nth].stage = Stage::Versioned,
                        }
                    });
                }
            }
            Stage::Versioned => {
                if left > 0 || ignores || scope.breaks(Flaw::TimeIsReadOnlyAtFirst) {
                    self.go(Act::ReadsTheTime { at, change }, |next| next.send(nth));
                }
            }
            // The owner is slow, or has refused the version, or does not hold the key.
            Stage::Sent => self.go(Act::GivesUpOnTheOwner { at, change }, |next| {
                (next.calls[nth].stage, next.calls[nth].owner) = (Stage::Begun, NOBODY);
                if next.calls[nth].awaited {
                    next.orders.iter_mut().for_each(|order| order.awaited = false);
                }
            }),
        }
    }

    /// After that the node does nothing more for the set; what it has sent may still arrive. The
    /// client goes on at once: the error may be one that another node would not have.
    fn answers_that_it_failed(&mut self, nth: usize) {
        let (now, scope) = (self.now, self.scope);
        let at = now.calls[nth].at;
        let answer = |next: &mut State, doing| {
            next.abandon();
            if !scope.breaks(Flaw::NodeGoesOnAfterItsAnswer) {
                next.calls.remove(nth);
            }
            next.client.doing = doing;
        };
        self.go(Act::AnswersThatItFailed { at }, |next| answer(next, Doing::Rests));
        if now.client.to_over < now.client.to_end {
            self.go(Act::AnswersThatItFailed { at }, |next| {
                answer(next, Doing::Chooses);
                next.client.to_over = next.client.to_end;
            });
        }
    }

    /// A node that leaves ends the stream with a message of its own, when it has answered all
    /// that it has read. So it has not read the set.
    fn ends_the_stream(&mut self, nth: usize) {
        let (now, scope) = (self.now, self.scope);
        let Call { at, stage, .. } = now.calls[nth];
        let is_early = scope.breaks(Flaw::StreamEndsBeforeItsAnswers);
        if stage == Stage::Unread || is_early {
            self.go(Act::EndsTheStream { at }, |next| {
                if stage == Stage::Unread {
                    next.calls.remove(nth);
                }
                next.connection_breaks(scope, at);
                next.client.doing = Doing::Chooses;
            });
        }
    }

    /// What reaches a node that does not hold the key changes nothing.
    pub(crate) fn owners(&mut self) {
        let (now, scope) = (self.now, self.scope);
        for order in now.orders.iter().filter(|order| order.owner == now.holder) {
            let Order { owner, change, awaited, .. } = *order;
            self.go(Act::OwnerMakesTheSet { owner, change }, |next| next.make(scope, *order));
            if awaited {
                self.go(Act::OwnerMakesTheSetAndTheAnswerArrives { owner, change }, |next| {
                    next.make(scope, *order);
                    next.confirmed = next.confirmed.max(change);
                    next.client.doing = Doing::Rests;
                });
            }
        }
    }
}

impl State {
    fn send(&mut self, nth: usize) {
        let Call { change, owner, awaited, .. } = self.calls[nth];
        self.calls[nth].stage = Stage::Sent;
        self.orders.push(Order { owner, change, awaited, former: false });
    }

    /// The owner holds the key, and it has not changed since the version of `order`. The call
    /// that the client waits for has ended then.
    fn make(&mut self, scope: &Scope, order: Order) {
        self.overtaken |= order.change < self.newest;
        self.newest = self.newest.max(order.change);
        self.held = order.change;
        self.orders.retain(|other| *other != order);
        self.key_changes(scope, order.owner);
        if order.awaited {
            self.calls.retain(|call| !call.awaited);
        }
    }
}
