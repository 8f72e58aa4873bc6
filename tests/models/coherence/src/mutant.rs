//! In which scopes a broken rule must show.

/// A mutant of a model with rules `F`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutant<F> {
    /// The rule that is broken.
    pub(crate) flaw: F,
    /// The scopes in which that is a violation.
    pub(crate) killed_in: &'static [&'static str],
    /// The scopes in which it is none: the README says why.
    pub(crate) survives: &'static [&'static str],
}

pub(crate) const fn killed<F: Copy>(flaw: F, killed_in: &'static [&'static str]) -> Mutant<F> {
    Mutant { flaw, killed_in, survives: &[] }
}

pub(crate) const fn harmless<F: Copy>(flaw: F, survives: &'static [&'static str]) -> Mutant<F> {
    Mutant { flaw, killed_in: &[], survives }
}
