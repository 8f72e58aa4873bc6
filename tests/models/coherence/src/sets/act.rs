//! The steps by name, as a trace shows them.

/// A step. Other numbers than those of changes are nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    // Time.
    ClientTicks,
    NodeTicks(u8),
    // The client.
    SetBegins { change: u8 },
    RemoveBegins { change: u8 },
    RemoveTakesEffect,
    RemoveIsConfirmed,
    RemoveFails,
    Connects(u8),
    NodeTellsItsClock(u8),
    ClientHearsTheClock(u8),
    ReadsWhatIsFirst,
    SendsTheSet { to: u8 },
    ConnectionBreaks(u8),
    AttemptIsOver,
    SetFails,
    SetIsDropped,
    // Nodes.
    Begins { at: u8, change: u8 },
    ReadsTheVersion { at: u8, change: u8, owner: u8 },
    ReadsTheTime { at: u8, change: u8 },
    GivesUpOnTheOwner { at: u8, change: u8 },
    AnswersThatItFailed { at: u8 },
    EndsTheStream { at: u8 },
    OwnerMakesTheSet { owner: u8, change: u8 },
    OwnerMakesTheSetAndTheAnswerArrives { owner: u8, change: u8 },
    // The cluster.
    KeyMoves { to: u8 },
    Restarts(u8),
}
