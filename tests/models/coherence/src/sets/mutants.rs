//! The mutants: in which scopes each broken rule must show.

use super::flaw::Flaw::{self, *};
use crate::mutant::{Mutant, harmless, killed};

/// All mutants.
pub(crate) const MUTANTS: &[Mutant<Flaw>] = &[
    harmless(TimeIsNotReadAtFirst, &["sets"]),
    killed(NodeIgnoresTheTime, &["sets"]),
    killed(TimeIsReadOnlyAtFirst, &["sets"]),
    killed(TimeIsReadBeforeTheVersion, &["sets"]),
    killed(NodeGoesOnAfterItsAnswer, &["sets"]),
    killed(StreamEndsBeforeItsAnswers, &["sets"]),
    killed(AsksTheNextNodeAtOnce, &["sets"]),
    killed(FailsAtOnce, &["sets"]),
    killed(DroppedSetIsForgotten, &["sets-dropped"]),
    killed(MarginIsLeftOut, &["sets"]),
    killed(ReadingIsNotRoundedUp, &["sets"]),
    killed(RestIsReadBeforeTheClock, &["sets"]),
    killed(ClocksAreNotBounded, &["sets"]),
    killed(ClockOfAnotherProcessCounts, &["sets-restart"]),
    killed(OwnerIgnoresVersions, &["sets"]),
    killed(GainIsNoChange, &["sets-moves"]),
    killed(VersionOutlivesTheProcess, &["sets-restart"]),
];
