//! Clocks: those of the client and of the nodes show whole ticks, and drift.

use super::act::Act;
use super::flaw::Flaw;
use super::scope::Scope;
use super::state::{APART, Client, Doing, FRESH, HALF, LONG, N, Reading, State};
use super::steps::Steps;

/// Beyond these nothing is left of a set's time.
const MOST_AGE: i8 = FRESH + HALF as i8 + 1;
const MOST_SINCE: i8 = MOST_AGE + 2 * HALF as i8;

impl<F: FnMut(Act, State)> Steps<'_, F> {
    pub(crate) fn time_passes(&mut self) {
        let now = self.now;
        let is_bounded = !self.scope.breaks(Flaw::ClocksAreNotBounded);
        let may_tick = |at: usize| now.nodes[at].ahead < APART || !now.is_timed(at);
        if !is_bounded || (0..N).all(may_tick) {
            self.go(Act::ClientTicks, |next| {
                let client = &mut next.client;
                client.to_over = client.to_over.saturating_sub(1);
                client.to_end = client.to_end.saturating_sub(1);
                for node in &mut next.nodes {
                    node.ahead = (node.ahead + 1).min(APART);
                    if let Some(Reading { age, .. }) = &mut node.reading {
                        *age = (*age + 1).min(MOST_AGE);
                    }
                }
            });
        }
        for at in 0..N {
            if now.nodes[at].ahead > 0 && now.is_timed(at) {
                self.go(Act::NodeTicks(at as u8), |next| next.node_ticks(at));
            }
        }
    }
}

impl State {
    /// Whether something depends on the clock of a node.
    pub(crate) fn is_timed(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        let mut here = self.calls.iter().filter(|call| usize::from(call.at) == at);
        node.reading.is_some() || node.told.is_some() || here.any(|call| call.left > 0)
    }

    fn node_ticks(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.ahead -= 1;
        match &mut node.reading {
            Some(Reading { since, .. }) if *since >= 0 => *since = (*since + 1).min(MOST_SINCE),
            _ => {}
        }
        node.told = node.told.map(|since| (since + 1).min(MOST_SINCE));
        let here = self.calls.iter_mut().filter(|call| usize::from(call.at) == at);
        for call in here.filter(|call| call.left > 0 && call.left < LONG / 2) {
            call.left -= 1;
        }
    }

    /// Ticks until the clock of `at` has reached the moment that a set carries, for which the
    /// client has noted that the reading was of this `age` and the `rest` was left.
    pub(crate) fn left(&self, scope: &Scope, at: u8, age: i8, rest: i8) -> i8 {
        let Some(Reading { since, .. }) = self.nodes[usize::from(at)].reading else { return 0 };
        let margin = i8::from(!scope.breaks(Flaw::MarginIsLeftOut));
        (age + rest - margin - since).max(0)
    }

    /// Readings that no set can use, or not yet. The client keeps one for its next attempt.
    pub(crate) fn forget_readings(&mut self, scope: &Scope) {
        let Client { change, doing, asks, noted, to_over, .. } = self.client;
        let is_last = change == scope.changes;
        for (at, node) in self.nodes.iter_mut().enumerate() {
            let is_asked = usize::from(asks) == at;
            let may_be_used = match doing {
                Doing::Rests => !is_last,
                Doing::Removes | Doing::Dropped => false,
                Doing::Chooses => true,
                _ => is_asked,
            };
            node.told = node.told.filter(|_| is_asked && doing == Doing::Connected);
            let computes = is_asked && doing == Doing::Computes;
            let is_used = |reading: &Reading| computes || may_be_used && reading.age <= FRESH;
            node.reading = node.reading.filter(is_used);
            if let Some(Reading { age, since }) = &mut node.reading
                && computes
                && *age > FRESH
                && !scope.breaks(Flaw::RestIsReadBeforeTheClock)
            {
                // Only how much of the set's time is left makes a difference.
                *age = FRESH + 1;
                *since = (*since).min(noted + to_over as i8);
            }
        }
    }
}
