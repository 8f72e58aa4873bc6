//! What must hold in every state: one holder, the promise, and recovery.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::names::{N, bit};
use crate::scope::Scope;
use crate::state::{ClusterKey, Node, State, UNREAD};
use crate::steps::Steps;

impl State {
    /// What is wrong in this state.
    pub(crate) fn wrong(&self, scope: &Scope) -> Option<String> {
        let holders: Vec<usize> = (0..N).filter(|at| self.holds(scope, *at)).collect();
        if scope.exclusive && holders.len() > 1 {
            return Some(format!("{holders:?} hold the key"));
        }
        if scope.exclusive
            && scope.changes == 0
            && let Some((one, other)) = self.hold_a_key_in_common(scope)
        {
            return Some(format!("{one} and {other} hold some key"));
        }
        let promised = self.floor;
        for at in 0..N {
            let Node { held, copy, flight, .. } = self.nodes[at];
            let holds = holders.contains(&at);
            let shares =
                holds || scope.breaks(Flaw::OwnerSharesLoadsBeforeItHolds) && self.owns(scope, at);
            if holds && held != 0 && held < promised {
                return Some(format!("{at} answers {held} where {promised} was promised"));
            }
            if copy != 0 && copy < promised {
                return Some(format!(
                    "{at} answers a copy of {copy} where {promised} was promised"
                ));
            }
            if shares && flight != 0 && flight != UNREAD && flight < promised {
                return Some(format!(
                    "a get joins a load at {at} that read {flight}, not {promised}"
                ));
            }
        }
        None
    }

    /// Two nodes that hold the key if its order is a certain one. Without data no step
    /// depends on the order: so all orders are looked at in one search.
    fn hold_a_key_in_common(&self, scope: &Scope) -> Option<(usize, usize)> {
        let may_hold = |at: usize| {
            self.nodes[at].joined
                && self.is_certain(scope, at)
                && self.ring(scope, at) & bit(at) != 0
        };
        // Each of them owns the key in its ring if the other one is not in one of the rings.
        let both = |one, other| {
            self.ring(scope, one) & bit(other) != 0 && self.ring(scope, other) & bit(one) != 0
        };
        let pairs = (0..N).flat_map(|one| (one + 1..N).map(move |other| (one, other)));
        pairs
            .filter(|(one, other)| may_hold(*one) && may_hold(*other))
            .find(|(one, other)| !both(*one, *other))
    }

    /// Whether, with no further fault and nobody who comes or goes, some registered node
    /// comes to hold the key.
    pub(crate) fn recovers(&self, scope: &Scope) -> bool {
        // No bound keeps back what helps.
        let scope = Scope { lag: 9, ..scope.clone() };
        let mut state = *self;
        loop {
            let newest = state.entries();
            let (mut next, mut best) = (None, 0);
            let found = |act: Act, to: State| {
                let rank = match act {
                    Act::KeepAliveIsAnswered(_)
                    | Act::FindsItsLeaseGone(_)
                    | Act::KnowsGone { .. }
                    | Act::CopyEnds(_) => 9,
                    Act::LeaseExpires { at, name } if state.nodes[at].name != name => 8,
                    Act::Sees { view, .. } if view == newest => 7,
                    Act::PromiseEnds { .. }
                    | Act::VouchEnds { .. }
                    | Act::Acks { .. }
                    | Act::ReadsRecords(_)
                    | Act::Joins(_) => 6,
                    Act::RecordExpires(_) | Act::Registers(_) => 5,
                    _ => 0,
                };
                if rank > best && to != state {
                    (next, best) = (Some(to), rank);
                }
            };
            Steps::from(&state, &scope, found).find();
            match next {
                Some(next) => state = next,
                None => break,
            }
        }
        let registered = state.nodes.iter().any(|node| node.name != 0);
        !registered || (0..N).any(|at| state.holds(&scope, at))
    }

    /// What a run must have come across, or it looked at nothing.
    pub(crate) fn notable(&self, scope: &Scope) -> [(bool, &'static str); 7] {
        let holder = (0..N).find(|at| self.holds(scope, *at));
        let is = |what: fn(&Node) -> bool| holder.is_some_and(|at| what(&self.nodes[at]));
        let others_joined = |at: usize| (0..N).any(|other| other != at && self.nodes[other].joined);
        [
            (is(|node| node.name > 1), "a second registration holds"),
            (is(|node| !node.certain), "one holds that is vouched for"),
            (holder.is_some_and(|at| self.leases[at] == 0), "one holds whose lease has ended"),
            (self.floor > 2, "two changes are confirmed"),
            (is(|node| node.held != 0) && self.spent.crashes > 0, "a value is held after a crash"),
            (holder.is_some_and(others_joined), "others have joined"),
            (
                self.lost != [0; N] && self.key == ClusterKey::PresentId,
                "the key is written after a loss",
            ),
        ]
    }
}
