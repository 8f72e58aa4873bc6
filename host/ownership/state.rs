//! Whether a node holds its keys, in one word.

/// Whether a node holds its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipState {
    /// It holds them.
    Holds,
    /// It waits for the acks of the other members.
    Joining,
    /// It has joined, but can't be certain that no other node holds its keys.
    Uncertain,
    /// It is not registered.
    Unregistered,
    /// It is leaving.
    Leaving,
}

impl OwnershipState {
    /// The word that status and metrics show.
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
