//! Parts of the protocol that the simulation takes away one at a time, to see that it
//! finds out. In a program none of them is ever taken away, and no trace of this remains.

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A load is kept whether or not its node still holds the key.
    LandingIsNotChecked,
    /// A change drops what is held, and lets the load under way keep what it brings.
    FlightsSurviveChanges,
    /// The same for a loss of keys.
    FlightsSurviveLoss,
    /// A set that is late is taken.
    SetsWithoutFence,
    /// A set from before its node gained the key is taken.
    GainIsNoChange,
    /// What a node lost stays in its memory.
    LostEntriesStay,
    /// What a node held before it lost its registration stays in its memory.
    MemorySurvivesStop,
    /// A node acks a joiner that it does not see.
    AckBeforeSeeing,
    /// A node acks whatever ghosts it has.
    AckWithGhosts,
    /// A node acks whatever it has promised to those that went.
    AckWithPromises,
    /// A node acks while what it lent may be answered.
    AckWithCopies,
    /// A node joins without asking anybody.
    JoinWithoutAcks,
    /// The first node of a cluster joins at once.
    FirstJoinsAtOnce,
    /// A node answers whatever became of its lease.
    CertaintyIsNotChecked,
    /// The lease counts from the answer to its keep-alive.
    CertaintyCountsFromTheAnswer,
    /// A node that leaves goes on until its registration has ended.
    StopsAfterLeaving,
    /// A node leaves while what it lent may be answered.
    LeavesWithCopies,
    /// A node that went is gone at once.
    GhostsAreNotKept,
    /// A node that was vouched for is gone when its lease is.
    PromisesAreNotKept,
    /// One of the others need not vouch.
    MostVouch,
    /// Others vouch without an end.
    VouchedWithoutEnd,
    /// Who owns a key confirms its change, whether or not it holds it.
    ChangeAnywhereIsConfirmed,
    /// A change does not wait for what was lent before.
    ChangeDoesNotWaitForCopies,
    /// A value from the owner before is kept although the key was changed.
    HeirDoesNotMindChanges,
    /// A node gives what it lost to whoever asks for it.
    GiverDoesNotMindWhoAsks,
    /// A node that does not hold a key has later gets join its load.
    OthersShareLoads,
    /// A clear is confirmed by those who were there when it began.
    NewcomersAreNotCleared,
}

#[cfg(not(feature = "flaws"))]
pub const fn is(_: Flaw) -> bool {
    false
}

#[cfg(feature = "flaws")]
impl Flaw {
    pub const ALL: [Self; 27] = [
        Self::LandingIsNotChecked,
        Self::FlightsSurviveChanges,
        Self::FlightsSurviveLoss,
        Self::SetsWithoutFence,
        Self::GainIsNoChange,
        Self::LostEntriesStay,
        Self::MemorySurvivesStop,
        Self::AckBeforeSeeing,
        Self::AckWithGhosts,
        Self::AckWithPromises,
        Self::AckWithCopies,
        Self::JoinWithoutAcks,
        Self::FirstJoinsAtOnce,
        Self::CertaintyIsNotChecked,
        Self::CertaintyCountsFromTheAnswer,
        Self::StopsAfterLeaving,
        Self::LeavesWithCopies,
        Self::GhostsAreNotKept,
        Self::PromisesAreNotKept,
        Self::MostVouch,
        Self::VouchedWithoutEnd,
        Self::ChangeAnywhereIsConfirmed,
        Self::ChangeDoesNotWaitForCopies,
        Self::HeirDoesNotMindChanges,
        Self::GiverDoesNotMindWhoAsks,
        Self::OthersShareLoads,
        Self::NewcomersAreNotCleared,
    ];
}

#[cfg(feature = "flaws")]
mod present {
    use std::cell::Cell;
    use std::time::Duration;

    use super::Flaw;

    thread_local! {
        /// A simulation runs on one thread.
        static PRESENT: Cell<Option<Flaw>> = const { Cell::new(None) };
        static CHANCE: Cell<u64> = const { Cell::new(1) };
    }

    pub fn is(flaw: Flaw) -> bool {
        PRESENT.get() == Some(flaw)
    }

    /// Puts a flaw in place of the one that there was on this thread. Who is held up, and
    /// for how long, follows from `seed`.
    pub fn set(flaw: Option<Flaw>, seed: u64) {
        PRESENT.set(flaw);
        CHANCE.set(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    }

    /// For how long a thread is held up where the simulation's one thread never would
    /// be, while others go on; mostly not at all.
    pub fn holds_up() -> Option<Duration> {
        let chance = CHANCE.get();
        let chance = chance ^ chance << 13;
        let chance = chance ^ chance >> 7;
        let chance = chance ^ chance << 17;
        CHANCE.set(chance);
        chance.is_multiple_of(32).then(|| Duration::from_millis(chance >> 32 & 1_023))
    }
}

#[cfg(feature = "flaws")]
pub use present::{holds_up, is, set};
