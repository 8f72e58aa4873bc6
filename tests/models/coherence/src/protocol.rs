//! The protocol between nodes, as the search has it.

use crate::act::Act;
use crate::flaw::Flaw;
use crate::model::Model;
use crate::scope::Scope;
use crate::state::State;
use crate::steps::Steps;

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

    /// With data only the promise counts then: two holders that answer the same do no harm.
    fn with(&self, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), exclusive: self.changes == 0, ..self.clone() }
    }

    fn first(&self) -> Vec<State> {
        State::first(self)
    }

    fn steps(&self, now: &State, found: impl FnMut(Act, State)) {
        Steps::from(now, self, found).find();
    }

    fn fingerprint(state: &State) -> u64 {
        state.fingerprint()
    }

    fn wrong(&self, state: &State) -> Option<String> {
        state.wrong(self)
    }

    fn notable(&self, state: &State) -> impl IntoIterator<Item = (bool, &'static str)> {
        state.notable(self)
    }

    fn recovers(&self, state: &State) -> Option<bool> {
        Some(state.recovers(self))
    }
}
