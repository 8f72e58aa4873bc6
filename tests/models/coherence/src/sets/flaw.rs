//! Rules broken on purpose, one at a time.

/// A broken rule; SETS.md has the rule of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    // The node.
    NodeIgnoresTheTime,
    TimeIsReadOnlyAtFirst,
    TimeIsNotReadAtFirst,
    TimeIsReadBeforeTheVersion,
    NodeGoesOnAfterItsAnswer,
    StreamEndsBeforeItsAnswers,
    // The client.
    AsksTheNextNodeAtOnce,
    FailsAtOnce,
    DroppedSetIsForgotten,
    // The clocks.
    MarginIsLeftOut,
    ReadingIsNotRoundedUp,
    RestIsReadBeforeTheClock,
    ClockOfAnotherProcessCounts,
    ClocksAreNotBounded,
    // The owner.
    OwnerIgnoresVersions,
    GainIsNoChange,
    VersionOutlivesTheProcess,
}
