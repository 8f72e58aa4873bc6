//! Whether a node holds what it owns, in one word.

/// Whether a node holds what it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipState {
    /// It does.
    Holds,
    /// It asks the others for their acks still.
    Joining,
    /// It has joined, and can't be certain that nobody else holds its keys.
    Uncertain,
    /// It is not registered.
    Unregistered,
    /// It leaves.
    Leaving,
}

impl OwnershipState {
    /// The word of status and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Joining => "joining",
            Self::Uncertain => "uncertain",
            Self::Unregistered => "unregistered",
            Self::Leaving => "leaving",
        }
    }
}
