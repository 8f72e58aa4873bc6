//! The model as the search has it, and what must hold in every state.

use std::hash::{Hash as _, Hasher as _};

use super::act::Act;
use super::flaw::Flaw;
use super::scope::Scope;
use super::state::{Doing, NOBODY, State};
use super::steps::Steps;
use crate::hash::Bytes;
use crate::model::Model;

impl Model for Scope {
    type State = State;
    type Act = Act;
    type Flaw = Flaw;

    fn name(&self) -> &'static str {
        self.name
    }

    fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    fn with(&self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..self.clone() }
    }

    fn first(&self) -> Vec<State> {
        vec![State::first()]
    }

    fn steps(&self, now: &State, found: impl FnMut(Act, State)) {
        let mut steps = Steps::from(now, self, found);
        steps.time_passes();
        steps.client();
        steps.nodes();
        steps.owners();
        steps.cluster();
    }

    fn fingerprint(state: &State) -> u64 {
        let mut bytes = Bytes::default();
        state.hash(&mut bytes);
        bytes.finish()
    }

    fn wrong(&self, state: &State) -> Option<String> {
        let State { holder, held, newest, confirmed, .. } = *state;
        if holder != NOBODY && held != 0 && held < confirmed {
            return Some(format!("{holder} answers {held} where {confirmed} was promised"));
        }
        if state.overtaken {
            return Some(format!("set {held} took effect after change {newest}"));
        }
        // A mutant need not satisfy this: there only the promise counts.
        let may_begin = state.client.doing == Doing::Rests && !state.calls.is_empty();
        (self.flaw.is_none() && may_begin).then(|| "a set may begin when its client rests".into())
    }

    fn notable(&self, state: &State) -> impl IntoIterator<Item = (bool, &'static str)> {
        let client = &state.client;
        let waits = client.doing == Doing::Waits;
        let is_on_its_way = |change: u8| state.orders.iter().any(|order| order.change == change);
        [
            (state.confirmed > 1, "two changes are confirmed"),
            (waits && client.to_over == client.to_end, "a set is tried again"),
            (
                client.doing == Doing::SitsOut && !state.calls.is_empty(),
                "a node may begin a set whose connection is lost",
            ),
            (
                client.doing == Doing::Rests && is_on_its_way(client.change),
                "a set is on its way when its client goes on",
            ),
            (waits && is_on_its_way(client.change - 1), "it is when a later one is made"),
        ]
    }

    /// A set may fail at any time.
    fn recovers(&self, _: &State) -> Option<bool> {
        None
    }
}
