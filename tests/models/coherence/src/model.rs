//! What a search, a list of scopes and a list of mutants need of a model.

use std::fmt::{Debug, Display};

/// A scope of a model: its rules, within bounds.
pub(crate) trait Model: Clone + Send + Sync + 'static {
    /// Of a run.
    type State: Copy + PartialEq + Display;
    /// A step, as a trace shows it.
    type Act: Debug;
    /// A rule that can be broken.
    type Flaw: Copy + PartialEq + Debug + Send + Sync + 'static;

    /// As the command line has it.
    fn name(&self) -> &'static str;

    /// The rule that is broken; `None`: none is.
    fn flaw(&self) -> Option<Self::Flaw>;

    /// The same scope with a rule broken.
    fn with(&self, flaw: Self::Flaw) -> Self;

    /// The states that a run may begin in.
    fn first(&self) -> Vec<Self::State>;

    /// Calls `found` with each step from `now` and the state after it.
    fn steps(&self, now: &Self::State, found: impl FnMut(Self::Act, Self::State));

    /// A state as 64 bits; never 0.
    fn fingerprint(state: &Self::State) -> u64;

    /// What is wrong in a state.
    fn wrong(&self, state: &Self::State) -> Option<String>;

    /// What a run must have come across, or it looked at nothing.
    fn notable(&self, state: &Self::State) -> impl IntoIterator<Item = (bool, &'static str)>;

    /// Whether a run goes on well from `state` when faults end; `None`: that is not modelled.
    /// Asked of a sample of the states.
    fn recovers(&self, state: &Self::State) -> Option<bool>;
}
