//! The client, as `host/client/sets.rs`, `node.rs` and `node_clock.rs` have it.

use super::act::Act;
use super::flaw::Flaw;
use super::scope::Scope;
use super::state::{APART, Call, Client, Doing, HALF, NOBODY, Reading, Stage, State};
use super::steps::Steps;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn client(&mut self) {
        let Client { doing, asks, to_over, .. } = self.now.client;
        match doing {
            Doing::Rests => self.begins(),
            Doing::Removes => self.removes(),
            Doing::Chooses => self.chooses(),
            Doing::Connected if to_over > 0 => self.reads_clock(asks),
            Doing::Computes => self.computes(asks),
            _ => {}
        }
        let is_asking = matches!(doing, Doing::Connected | Doing::Computes | Doing::Waits);
        if is_asking {
            self.go(Act::ConnectionBreaks(asks), |next| next.connection_breaks(self.scope, asks));
        }
        if is_asking && doing != Doing::Computes && to_over == 0 {
            self.go(Act::AttemptIsOver, |next| {
                next.abandon();
                next.client.doing = Doing::Chooses;
            });
        }
        if (is_asking || matches!(doing, Doing::Chooses | Doing::SitsOut))
            && self.now.drops < self.scope.drops
        {
            self.go(Act::SetIsDropped, |next| {
                next.abandon();
                next.drops += 1;
                next.client.doing = match self.scope.flaw {
                    Some(Flaw::DroppedSetIsForgotten) => Doing::Rests,
                    _ => Doing::Dropped,
                };
            });
        }
    }

    fn begins(&mut self) {
        let change = self.now.client.change + 1;
        if change > self.scope.changes {
            return;
        }
        self.go(Act::SetBegins { change }, |next| {
            let (to_over, to_end) = (HALF, 2 * HALF);
            next.client = Client { change, to_over, to_end, ..next.client };
            next.client.doing = Doing::Chooses;
        });
        if change > 1 {
            self.go(Act::RemoveBegins { change }, |next| {
                (next.client.change, next.client.doing) = (change, Doing::Removes);
            });
        }
    }

    /// A remove may be made through any nodes, again and again: to drop a value does no harm.
    fn removes(&mut self) {
        let (now, scope) = (self.now, self.scope);
        let change = now.client.change;
        if now.holder != NOBODY {
            let take_effect = |next: &mut State| {
                (next.held, next.newest) = (0, change);
                next.key_changes(scope, now.holder);
            };
            self.go(Act::RemoveIsConfirmed, |next| {
                take_effect(next);
                (next.confirmed, next.client.doing) = (change, Doing::Rests);
            });
            self.go(Act::RemoveTakesEffect, take_effect);
        }
        self.go(Act::RemoveFails, |next| next.client.doing = Doing::Rests);
    }

    /// In any order, and a node more than once: the nodes that the client knows may change.
    fn chooses(&mut self) {
        for at in 0..NOBODY {
            self.go(Act::Connects(at), |next| {
                (next.client.doing, next.client.asks) = (Doing::Connected, at);
            });
        }
        // No node can be reached.
        self.go(Act::SetFails, |next| next.client.doing = Doing::Rests);
    }

    fn reads_clock(&mut self, at: u8) {
        let (now, scope) = (self.now, self.scope);
        let node = now.nodes[usize::from(at)];
        match (node.reading, node.told) {
            (Some(Reading { age, .. }), _) => {
                let noted = match scope.flaw {
                    Some(Flaw::RestIsReadBeforeTheClock) => now.client.to_over as i8,
                    _ => age,
                };
                self.go(Act::ReadsWhatIsFirst, |next| {
                    (next.client.doing, next.client.noted) = (Doing::Computes, noted);
                });
            }
            (None, Some(since)) => {
                // The client's clock shows whole ticks, so it may show this one for a while yet.
                let age = if scope.breaks(Flaw::ReadingIsNotRoundedUp) { 0 } else { -1 };
                self.go(Act::ClientHearsTheClock(at), |next| {
                    next.nodes[usize::from(at)].reading = Some(Reading { age, since });
                });
            }
            // From then on the two clocks get apart, from anywhere within a tick.
            (None, None) => {
                for ahead in 0..=APART {
                    self.go(Act::NodeTellsItsClock(at), |next| {
                        let node = &mut next.nodes[usize::from(at)];
                        node.told = Some(0);
                        node.ahead = ahead;
                    });
                }
            }
        }
    }

    /// The client may have been paused since it read the first of the two.
    fn computes(&mut self, at: u8) {
        let (now, scope) = (self.now, self.scope);
        let Client { change, noted, to_over, .. } = now.client;
        let age = now.nodes[usize::from(at)].reading.map_or(0, |reading| reading.age);
        let (age, rest) = match scope.flaw {
            Some(Flaw::RestIsReadBeforeTheClock) => (age, noted),
            _ => (noted, to_over as i8),
        };
        let left = now.left(scope, at, age, rest);
        let call = Call { at, change, left, stage: Stage::Unread, owner: NOBODY, awaited: true };
        if now.calls.has_room() {
            self.go(Act::SendsTheSet { to: at }, |next| {
                next.calls.push(call);
                next.client.doing = Doing::Waits;
            });
        }
    }
}

impl State {
    /// The connection to `at` is gone. Of the process at the other end of the next one nothing is
    /// known.
    pub(crate) fn connection_breaks(&mut self, scope: &Scope, at: u8) {
        let node = &mut self.nodes[usize::from(at)];
        (node.reading, node.told) = (None, None);
        if self.client.asks != at {
            return;
        }
        self.client.doing = match self.client.doing {
            // Nothing was sent.
            Doing::Connected | Doing::Computes => Doing::Chooses,
            Doing::Waits => match scope.flaw {
                Some(Flaw::AsksTheNextNodeAtOnce) => Doing::Chooses,
                Some(Flaw::FailsAtOnce) => Doing::Rests,
                _ => Doing::SitsOut,
            },
            doing => doing,
        };
        self.abandon();
    }

    /// The client waits for no answer any more.
    pub(crate) fn abandon(&mut self) {
        self.calls.iter_mut().for_each(|call| call.awaited = false);
        self.orders.iter_mut().for_each(|order| order.awaited = false);
    }

    /// What the client does at once, because a time is over.
    pub(crate) fn client_follows(&mut self) {
        let client = &mut self.client;
        if client.doing == Doing::SitsOut && client.to_over == 0 {
            client.doing = Doing::Chooses;
        }
        if client.doing == Doing::Chooses && client.to_over == 0 {
            // The attempts after the first may take the rest of the time.
            client.to_over = client.to_end;
        }
        if matches!(client.doing, Doing::Chooses | Doing::Dropped) && client.to_end == 0 {
            client.doing = Doing::Rests;
        }
        match client.doing {
            Doing::Rests | Doing::Removes => {
                *client = Client { change: client.change, doing: client.doing, ..Client::none() };
            }
            Doing::Chooses | Doing::Dropped => (client.asks, client.noted) = (NOBODY, 0),
            Doing::Computes => {}
            _ => client.noted = 0,
        }
    }
}
