//! The mutants: in which scopes each broken rule must show.

use crate::flaw::Flaw::{self, *};

/// A mutant.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// The rule that is broken.
    pub flaw: Flaw,
    /// The scopes in which that is a violation.
    pub killed_in: &'static [&'static str],
    /// The scopes in which it is none: the README says why.
    pub survives: &'static [&'static str],
}

const fn killed(flaw: Flaw, killed_in: &'static [&'static str]) -> Mutant {
    Mutant { flaw, killed_in, survives: &[] }
}

const fn harmless(flaw: Flaw, survives: &'static [&'static str]) -> Mutant {
    Mutant { flaw, killed_in: &[], survives }
}

/// All mutants; those that take longest first.
pub const MUTANTS: &[Mutant] = &[
    harmless(VouchesForTheUnjoined, &["vouch"]),
    harmless(GoesOnAfterItsRemoval, &["vouch", "rights"]),
    killed(JoinsWithoutAcks, &["rights", "data"]),
    killed(JoinsWithOneAckMissing, &["rights", "data"]),
    killed(JoinsWithAckOfPreviousOwner, &["rights", "data-joins"]),
    killed(AcksBeforeSeeing, &["rights", "data"]),
    killed(AcksOutsideItsView, &["rights-delete"]),
    killed(AcksFromAnOlderView, &["vouch-wide", "all-faults"]),
    killed(AcksWithGhosts, &["rights-delete"]),
    killed(AcksWithPromises, &["vouch"]),
    killed(KeepsAcksWhenOneWent, &["vouch", "rights-delete"]),
    killed(FirstJoinerIgnoresRecords, &["vouch"]),
    killed(FirstJoinerDoesNotWait, &["rights-wipe", "copies-wipe"]),
    killed(ShortLeaseSuffices, &["rights-delete"]),
    killed(KeyOfAFormerIdIsBelieved, &["rights-restore", "data-restore"]),
    killed(KeyReplacesRecords, &["first-start"]),
    killed(KeyReplacesAcks, &["rights", "first-start", "data"]),
    killed(KeyIsWrittenBeforeJoining, &["rights-wipe", "data-wipe", "rights-restore"]),
    killed(KeyIsWrittenUnconditionally, &["rights-wipe", "data-wipe"]),
    killed(KeyTakesTheIdOfTheAnswer, &["rights-restore"]),
    killed(ReadsBeforeRegistering, &["first-start", "rights-wipe", "first-wipe"]),
    killed(ReadOutlivesItsRegistration, &["first-start", "first-wipe"]),
    killed(ReadDoesNotShowItsEntry, &["first-wipe"]),
    killed(MembersCountBeforeTheyAck, &["first-start"]),
    killed(NamesLackTheClusterId, &["rights-restore"]),
    killed(AcksOfAFormerClusterCount, &["rights-restore"]),
    killed(VouchedAcrossALoss, &["first-wipe", "first-restore"]),
    killed(RestoreKeepsTheId, &["rights-restore"]),
    killed(RecordIsDeleted, &["rights-delete"]),
    killed(HoldsWithoutCertainty, &["rights", "data"]),
    killed(CertaintyCountsFromTheAnswer, &["rights", "data"]),
    killed(RevokesBeforeStopping, &["rights", "data"]),
    killed(NewProcessTakesTheOldName, &["vouch-crash"]),
    killed(WeightChangesUnderAName, &["rights", "data"]),
    killed(KeepsNoGhosts, &["rights-delete"]),
    killed(GhostEndsWithAnyAnswer, &["delete-wipe", "delete-restore"]),
    killed(KeepsNoPromises, &["vouch"]),
    killed(OneVouchIsMissing, &["vouch"]),
    killed(VouchesOutsideItsView, &["vouch"]),
    killed(NewProcessVouches, &["vouch-crash"]),
    killed(VouchedBeyondTheLongLease, &["vouch"]),
    killed(VouchOfAFormerNameCounts, &["vouch-crash"]),
    killed(EntrySurvivesLoss, &["data"]),
    killed(FlightSurvivesLoss, &["data"]),
    killed(FlightSurvivesChanges, &["data"]),
    killed(ChangeAnywhereIsConfirmed, &["data"]),
    killed(RightIsCheckedBeforeTheDrop, &["heir-joins"]),
    killed(ConfirmsUnderANewName, &["heir-joins"]),
    killed(OwnerSharesLoadsBeforeItHolds, &["data"]),
    killed(KeepsLoadsFromBeforeItJoined, &["data"]),
    killed(SetsHaveNoNumber, &["data"]),
    killed(SetsHaveIdsOnly, &["data"]),
    killed(FenceIgnoresGains, &["data"]),
    killed(ClearAsksMembersOnly, &["clear"]),
    killed(UnjoinedClears, &["clear"]),
    killed(UncertainClears, &["clear"]),
    killed(HeirIgnoresChanges, &["heir-joins"]),
    killed(HeirForgetsChangesFromBefore, &["heir-clear"]),
    killed(HeirWasNotOwnerThroughout, &["heir-joins"]),
    killed(HeirIgnoresWhoElseWent, &["heir-leaves"]),
    killed(GiverIgnoresWhoTookIt, &["heir-joins"]),
    killed(GiverIgnoresHowManyCame, &["heir-joins"]),
    killed(ChangeDoesNotWaitForCopies, &["copies"]),
    killed(AcksWithCopies, &["copies"]),
    killed(LeavesWithCopies, &["copies"]),
    killed(CopiesOutliveCertainty, &["copies", "copies-crash"]),
    killed(RegistersWithCopies, &["copies-delete"]),
    killed(AnswersWithCopies, &["copies-delete"]),
];
